//! A small image made without any registry: one static program that is a whole set of tools, in an archive.

use std::sync::Once;

use kitbag_sdk::engine::{Engine, Request};

use crate::socket::Socket;

/// Its name. Another number for another recipe: one that is there is not made again.
pub const NAME: &str = "kitbag-test/busybox:2";

const TOOLS: [&str; 24] = [
    "sh", "cat", "echo", "httpd", "sleep", "wget", "touch", "test", "mkdir", "ls", "env", "pwd", "id", "tar",
    "head", "nc", "true", "false", "printf", "rm", "date", "sync", "wc", "chmod",
];

/// Make it, once.
pub fn busybox() {
    static MADE: Once = Once::new();
    MADE.call_once(|| {
        let engine = Socket::default();
        if engine.ask("GET", &format!("/images/{NAME}/json"), None).0 == 200 {
            return;
        }
        let program = ["/bin/busybox", "/usr/bin/busybox"].iter().find_map(|path| std::fs::read(path).ok());
        let program = program.expect("the tests need /bin/busybox (on Debian: apt-get install busybox-static)");
        let mut tar = tar::Builder::new(Vec::new());
        let mut head = tar::Header::new_gnu();
        head.set_size(program.len() as u64);
        head.set_mode(0o755);
        tar.append_data(&mut head, "bin/busybox", &program[..]).unwrap();
        for tool in TOOLS {
            let mut head = tar::Header::new_gnu();
            head.set_entry_type(tar::EntryType::Symlink);
            head.set_size(0);
            tar.append_link(&mut head, format!("bin/{tool}"), "busybox").unwrap();
        }
        for folder in ["tmp/", "srv/", "work/", "etc/", "proc/", "sys/", "dev/"] {
            let mut head = tar::Header::new_gnu();
            head.set_entry_type(tar::EntryType::Directory);
            head.set_size(0);
            head.set_mode(0o777);
            tar.append_data(&mut head, folder, std::io::empty()).unwrap();
        }
        for (name, text) in [
            ("etc/passwd", "root:x:0:0::/:/bin/sh\nstudent:x:1234:56::/tmp:/bin/sh\n"),
            ("etc/group", "root:x:0:\nstaff:x:57:\n"),
        ] {
            let mut head = tar::Header::new_gnu();
            head.set_size(text.len() as u64);
            head.set_mode(0o644);
            tar.append_data(&mut head, name, text.as_bytes()).unwrap();
        }
        let bytes = tar.into_inner().unwrap();
        let path = "/images/create?fromSrc=-&repo=kitbag-test/busybox&tag=2&changes=VOLUME%20/srv&changes=ENV%20PATH=/bin";
        let answer = engine.call(Request::new("POST", path).stream(&bytes[..])).unwrap();
        assert_eq!(answer.status, 200);
        let said = String::from_utf8(answer.bytes(1 << 20).unwrap()).unwrap();
        assert!(said.contains("sha256:"), "{said}");
    });
}
