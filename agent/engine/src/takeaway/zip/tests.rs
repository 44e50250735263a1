//! What is written is read by Python's reader, which is not ours.

use std::io::Cursor;

use super::*;

fn head(name: &str, most: u64, pack: bool) -> Head<'_> {
    Head { name, kind: Kind::File(false), modified: 1_763_850_000_000_000_000, most, pack }
}

/// Python's reader, which is not ours, finds every entry and its bytes.
fn read_by_python(bytes: &[u8], expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a.zip");
    std::fs::write(&file, bytes).unwrap();
    let script = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
                  for i in z.infolist(): print(i.filename, i.file_size, i.date_time[0], oct(i.external_attr >> 16))";
    let ran = std::process::Command::new("python3").args(["-I", "-c", script]).arg(&file).output();
    match ran {
        Ok(ran) => assert_eq!(
            String::from_utf8(ran.stdout).unwrap(),
            expected,
            "{:?}",
            String::from_utf8(ran.stderr)
        ),
        Err(error) => assert!(std::env::var_os("CI").is_none(), "python3 is not here: {error}"),
    }
}

#[test]
fn another_reader_finds_all_of_it() {
    let mut zip = Zip::new(Cursor::new(Vec::new()));
    zip.begin(&Head { kind: Kind::Folder, ..head("a/", 0, true) }).unwrap();
    zip.begin(&head("a/ü.txt", 5, true)).unwrap();
    zip.write_all(b"hello").unwrap();
    zip.begin(&head("taken back", 1 << 20, false)).unwrap();
    zip.write_all(&vec![7; 1 << 20]).unwrap();
    zip.take_back().unwrap();
    zip.begin(&head("large", u64::MAX, false)).unwrap();
    zip.write_all(b"not really").unwrap();
    zip.begin(&head("taken back too", 3, true)).unwrap();
    zip.write_all(b"abc").unwrap();
    zip.begin(&Head { kind: Kind::File(true), modified: -1, ..head("empty", 0, true) }).unwrap();
    zip.begin(&head("closed and taken back", 3, true)).unwrap();
    zip.write_all(b"abc").unwrap();
    zip.close().unwrap();
    zip.take_back().unwrap();
    let (out, length) = zip.finish().unwrap();
    let mut bytes = out.into_inner();
    bytes.truncate(usize::try_from(length).unwrap());
    let expected = "a/ 0 2025 0o40755\na/ü.txt 5 2025 0o100644\nlarge 10 2025 0o100644\n\
                    taken back too 3 2025 0o100644\nempty 0 1980 0o100755\n";
    read_by_python(&bytes, expected);
}

#[test]
fn more_entries_than_sixteen_bits_count() {
    let mut zip = Zip::new(Cursor::new(Vec::new()));
    for n in 0..70_000 {
        zip.begin(&head(&format!("f{n}"), 0, false)).unwrap();
    }
    let (out, _) = zip.finish().unwrap();
    let expected: String = (0..70_000).map(|n| format!("f{n} 0 2025 0o100644\n")).collect();
    read_by_python(&out.into_inner(), &expected);
}

/// A file with holes in it: five gigabytes of nothing, which only the sizes and places have to be right for.
#[derive(Default)]
struct Holes {
    at: u64,
    end: u64,
    kept: std::collections::BTreeMap<u64, Vec<u8>>,
}

impl Write for Holes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() < 64 << 10 {
            self.kept.insert(self.at, bytes.to_vec());
        }
        self.at += bytes.len() as u64;
        self.end = self.end.max(self.at);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Holes {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(at) = to else { return Err(io::ErrorKind::Unsupported.into()) };
        self.at = at;
        Ok(at)
    }
}

#[test]
fn sizes_and_places_beyond_thirty_two_bits() {
    let mut zip = Zip::new(Holes::default());
    zip.begin(&head("large", u64::MAX, false)).unwrap();
    let piece = vec![0; 1 << 20];
    for _ in 0..5 << 10 {
        zip.write_all(&piece).unwrap();
    }
    zip.begin(&head("behind it", 3, false)).unwrap();
    zip.write_all(b"abc").unwrap();
    let (out, length) = zip.finish().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = std::fs::File::create(folder.path().join("a.zip")).unwrap();
    file.set_len(length).unwrap();
    let mut file = io::BufWriter::new(file);
    for (at, bytes) in &out.kept {
        file.seek(SeekFrom::Start(*at)).unwrap();
        file.write_all(bytes).unwrap();
    }
    file.into_inner().unwrap();
    let script = "import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\n\
                  print([(i.filename, i.file_size, i.header_offset > 1 << 32) for i in z.infolist()], z.read('behind it'))";
    let ran = std::process::Command::new("python3")
        .args(["-I", "-c", script])
        .arg(folder.path().join("a.zip"))
        .output();
    match ran {
        Ok(ran) => assert_eq!(
            String::from_utf8(ran.stdout).unwrap(),
            "[('large', 5368709120, False), ('behind it', 3, True)] b'abc'\n",
            "{:?}",
            String::from_utf8(ran.stderr)
        ),
        Err(error) => assert!(std::env::var_os("CI").is_none(), "python3 is not here: {error}"),
    }
}
