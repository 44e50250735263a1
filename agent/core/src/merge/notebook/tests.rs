//! Unit tests of the merge of notebooks.
