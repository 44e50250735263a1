//! Made by wasmtime from `wit/v0.1`. The course world takes the shared interfaces from the backend world.

#![allow(missing_docs, unused_qualifications, unreachable_pub, clippy::all)]

pub mod backend {
    wasmtime::component::bindgen!({
        path: "../../wit/v0.1",
        world: "backend",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "kitbag:plugin/streams.reader": crate::wasm::guest::Reader,
            "kitbag:plugin/streams.writer": crate::wasm::guest::Writer,
            "kitbag:plugin/lines.sink": crate::wasm::guest::Sink,
            "wasi:io": wasmtime_wasi::p2::bindings::io,
            "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
            "wasi:http": wasmtime_wasi_http::p2::bindings::http,
        },
    });
}

pub mod course {
    wasmtime::component::bindgen!({
        path: "../../wit/v0.1",
        world: "course",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "kitbag:plugin/types": crate::wasm::bindings::backend::kitbag::plugin::types,
            "kitbag:plugin/log": crate::wasm::bindings::backend::kitbag::plugin::log,
            "kitbag:plugin/progress": crate::wasm::bindings::backend::kitbag::plugin::progress,
            "kitbag:plugin/machine": crate::wasm::bindings::backend::kitbag::plugin::machine,
        },
    });
}
