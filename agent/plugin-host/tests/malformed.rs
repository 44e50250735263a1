//! Bytes that are no component, or no longer one: an error each, never a crash, and the host goes on.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

mod doors;
mod guests;

use doors::Bench;
use guests::{BACKEND, Parts, backend};
use kitbag_plugin_host::{Backend, HostConfig, Op, Origin, PluginError, PluginHost, bundled};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

fn host(folder: &tempfile::TempDir) -> PluginHost {
    PluginHost::new(HostConfig::new(folder.path().to_path_buf(), [1; 32])).unwrap()
}

#[tokio::test]
async fn the_real_one_cut_at_fifty_places() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(&folder);
    let (_, local) = bundled()[0];
    for place in 0..50 {
        let cut = &local.component[..local.component.len() * place / 50];
        let error = host.load(local.manifest, cut, Origin::Added).await.unwrap_err();
        assert!(matches!(error, PluginError::NotAPlugin(_)), "{place}: {error:?}");
    }
    for bytes in [&b"\0asm\x01\0\0\0"[..], b"(component)", b"\x7fELF\x02\x01\x01", &[0xFF; 5000]] {
        let error = host.load(local.manifest, bytes, Origin::Added).await.unwrap_err();
        assert!(matches!(error, PluginError::NotAPlugin(_)), "{error:?}");
    }
    let error = host.load(local.manifest, &vec![0; (64 << 20) + 1], Origin::Added).await.unwrap_err();
    assert!(matches!(error, PluginError::TooBig(_)));
}

/// A small plugin, so that hundreds of changed ones can be compiled. Whatever loads is also called.
#[test]
fn any_bytes_changed() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let host = host(&folder);
    let good = backend(Parts { bodies: &[("#probe", "i32.const 64")], ..Parts::default() });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() });
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6);
    runner
        .run(&changes, |changes| {
            let mut bytes = good.clone();
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            runtime.block_on(async {
                if let Ok(plugin) = host.load(BACKEND, &bytes, Origin::Added).await {
                    let cx = bench.cx_within(std::time::Duration::from_secs(1));
                    let _ = plugin.call(Op::Probe, &cx).await;
                }
            });
            Ok(())
        })
        .unwrap();
    let plugin = runtime.block_on(host.load(BACKEND, &good, Origin::Added)).unwrap();
    runtime.block_on(plugin.call(Op::Probe, &bench.cx())).unwrap();
}

#[tokio::test]
async fn the_real_one_with_bytes_changed() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(&folder);
    let (_, local) = bundled()[0];
    // Spread over the whole, by a rule: each run tries the same, and a failure names the place.
    for step in 0..20_usize {
        let place = (step * 17_977 + 4_099) % local.component.len();
        let mut bytes = local.component.to_vec();
        bytes[place] ^= 1 << (step % 8);
        match host.load(local.manifest, &bytes, Origin::Added).await {
            Ok(_)
            | Err(PluginError::NotAPlugin(_) | PluginError::Broken(_) | PluginError::NotDeclared(_)) => {}
            Err(PluginError::Nonsense(_) | PluginError::TimedOut) => {}
            Err(other) => panic!("byte {place}: {other:?}"),
        }
    }
}
