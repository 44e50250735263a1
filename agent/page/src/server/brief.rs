//! What the page is told of cells that wait each time something changes: which there are. What stands in them, which can
//! be as large as the notebook, is read when somebody looks at it.

use serde_json::{Value, json};

/// Leave of every cell of these conflicts its name, and who deleted it.
pub(super) fn brief(conflicts: &mut Value) {
    let cells =
        conflicts.as_array_mut().into_iter().flatten().filter_map(|one| one.get_mut("cells")?.as_array_mut());
    for cell in cells.flatten() {
        *cell = json!({ "cell": cell["cell"], "deleted_by": cell["deleted_by"] });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_source_is_told() {
        let cell = json!({ "cell": "a", "number": 1, "source": "secret", "deleted_by": null, "others": [{ "source": "secret" }] });
        let mut all =
            json!([{ "path": "x", "cells": [cell, cell] }, { "path": "y", "cells": [] }, { "path": "z" }]);
        brief(&mut all);
        let left = json!({ "cell": "a", "deleted_by": null });
        assert_eq!(
            all,
            json!([{ "path": "x", "cells": [left, left] }, { "path": "y", "cells": [] }, { "path": "z" }])
        );
        brief(&mut Value::Null);
    }
}
