//! Made by wit-bindgen from `wit/v0.1`: one module a world. The course world takes the shared interfaces from
//! the backend world, so a fault is the same type in both. Use the names the crate's root gives them.

#![allow(unsafe_code, missing_docs, unused_qualifications, unreachable_pub, clippy::all)]

pub mod backend {
    //! World `backend`.
    wit_bindgen::generate!({
        path: "../wit/v0.1",
        world: "backend",
        pub_export_macro: true,
        export_macro_name: "export_backend_world",
        default_bindings_module: "kitbag_sdk::bindings::backend",
        generate_all,
    });
}

pub mod course {
    //! World `course`.
    wit_bindgen::generate!({
        path: "../wit/v0.1",
        world: "course",
        pub_export_macro: true,
        export_macro_name: "export_course_world",
        default_bindings_module: "kitbag_sdk::bindings::course",
        with: {
            "kitbag:plugin/types@0.1.0-dev": crate::bindings::backend::kitbag::plugin::types,
            "kitbag:plugin/log@0.1.0-dev": crate::bindings::backend::kitbag::plugin::log,
            "kitbag:plugin/progress@0.1.0-dev": crate::bindings::backend::kitbag::plugin::progress,
            "kitbag:plugin/machine@0.1.0-dev": crate::bindings::backend::kitbag::plugin::machine,
        },
        generate_all,
    });
}
