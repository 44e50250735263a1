//! What a person is shown: the state of a workspace as one document, in five words and a few lists. The command line
//! prints it, `--json` gives it as it is, and the local web page will draw it.

pub mod status;
