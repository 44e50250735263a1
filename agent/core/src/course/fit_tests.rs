//! Needs and computers in a table: an old laptop, a full drive, one drive for all, another processor, nothing known.

use super::*;
use crate::course::{PackageFiles, read};

fn needs() -> Needs {
    Needs { memory_mb: Some(8192), disk_mb: Some(15 * 1024), cores: Some(4), ..Needs::default() }
}

fn room(of: &'static str, volume: &str, free_mb: u64, needs_mb: u64) -> Room {
    Room { of, volume: volume.to_owned(), free_mb, needs_mb }
}

fn tower() -> Have {
    Have {
        memory_mb: Some(32 * 1024),
        cores: Some(16),
        gpu: Some(true),
        virtualisation: Some(true),
        architecture: Some("x86_64".to_owned()),
        rooms: vec![room("the environment", "/", 500 * 1024, 15 * 1024)],
        ..Have::default()
    }
}

fn verdicts(needs: &Needs, have: &Have) -> Vec<(&'static str, Verdict)> {
    weigh(needs, have).into_iter().map(|one| (one.what, one.verdict)).collect()
}

#[test]
fn what_is_enough_or_unknown_is_held_against_nobody() {
    use Verdict::{Enough, Unknown};
    assert_eq!(verdicts(&needs(), &tower()), [("memory", Enough), ("cores", Enough), ("disk", Enough)]);
    assert_eq!(verdicts(&needs(), &Have::default()), [("memory", Unknown), ("cores", Unknown)]);
    assert_eq!(verdicts(&Needs::default(), &Have { memory_mb: Some(1), ..Have::default() }), []);
    // a tenth is the graphics'
    assert_eq!(verdicts(&needs(), &Have { memory_mb: Some(7400), ..tower() })[0].1, Enough);
    let no = Needs {
        gpu: Some(false),
        virtualisation: Some(false),
        architecture: Some(vec![]),
        ..Needs::default()
    };
    assert_eq!(weigh(&no, &Have { gpu: Some(false), virtualisation: Some(false), ..tower() })[1..], []);
}

#[test]
fn each_shortage_says_both_figures_and_what_to_do() {
    use Verdict::{Cannot, Tight};
    let old = Have {
        memory_mb: Some(2048),
        cores: Some(2),
        rooms: vec![room("the environment", "/", 9 * 1024 + 512, 15 * 1024)],
        ..tower()
    };
    let all = weigh(&needs(), &old);
    assert_eq!(verdicts(&needs(), &old), [("memory", Cannot), ("cores", Tight), ("disk", Cannot)]);
    assert!(!fits(&all));
    let whys: Vec<_> = short(&all).iter().map(|finding| finding.why.as_str()).collect();
    assert_eq!(
        whys,
        [
            "The course needs 8 GB, this computer has 2 GB.",
            "The course needs 15 GB there (15 GB for the environment); 9.5 GB are free.",
            "The course asks for 4, here there are 2. It will be slow.",
        ]
    );
    assert!(short(&all)[1].remedy.contains("5.5 GB more"));
    assert!(short(&all).iter().all(|finding| !finding.remedy.is_empty()));
    // half of it goes, slowly
    assert_eq!(verdicts(&needs(), &Have { memory_mb: Some(4096), ..tower() })[0].1, Tight);
}

/// What goes to one drive is added up; a full one is named, and another one does not help.
#[test]
fn drives_are_judged_each_for_itself() {
    let of = |rooms: Vec<Room>| {
        let weighed = weigh(&Needs::default(), &Have { rooms, ..Have::default() });
        weighed.into_iter().map(|one| (one.needs, one.has, one.verdict)).collect::<Vec<_>>()
    };
    let told = |needs: &str, has: &str, verdict| (needs.to_owned(), has.to_owned(), verdict);
    assert_eq!(
        of(vec![
            room("the environment", "/var", 3000, 4000),
            room("the working folder", "/home", 90_000, 100),
            room("the cloud folder", "/home", 90_000, 100),
        ]),
        [
            told("200 MB on /home", "87.8 GB free", Verdict::Enough),
            told("3.9 GB on /var", "2.9 GB free", Verdict::Cannot)
        ]
    );
    let both =
        |free| of(vec![room("the environment", "/", free, 4000), room("the working folder", "/", free, 500)]);
    assert_eq!(both(4499)[0].2, Verdict::Cannot);
    assert_eq!(
        (both(4500)[0].2, both(5523)[0].2, both(5524)[0].2),
        (Verdict::Tight, Verdict::Tight, Verdict::Enough)
    );
    // a small course is not asked for a gigabyte
    assert_eq!(of(vec![room("the environment", "/", 401, 200)])[0].2, Verdict::Enough);
    assert_eq!(of(vec![room("the environment", "/", 0, 0)]), []);
    let huge = of(vec![room("a", "/", 1, u64::MAX), room("b", "/", 1, u64::MAX)]);
    assert_eq!(huge[0].2, Verdict::Cannot);
}

/// Docker Desktop has a part of the computer's memory only; more of it can be given, where there is more.
#[test]
fn what_an_environment_may_have_counts() {
    let inside = |whole| Have {
        memory_mb: Some(whole),
        inside: Some(Inside { title: "Docker".to_owned(), memory_mb: 2048, cores: 2 }),
        ..tower()
    };
    let all = weigh(&needs(), &inside(16 * 1024));
    assert_eq!((all[0].verdict, all[1].verdict), (Verdict::Cannot, Verdict::Tight));
    let finding = all[0].finding.as_ref().unwrap();
    assert_eq!(finding.why, "The course needs 8 GB, Docker may use 2 GB of this computer's 16 GB.");
    assert!(finding.remedy.contains("settings"), "{}", finding.remedy);
    let all = weigh(&needs(), &inside(4096));
    assert!(all[0].finding.as_ref().unwrap().remedy.contains("computer with more memory"));
}

#[test]
fn what_cannot_be_made_up_for_forbids_it() {
    let needs = Needs {
        gpu: Some(true),
        virtualisation: Some(true),
        architecture: Some(vec!["x86_64".to_owned()]),
        ..Needs::default()
    };
    let arm = Have {
        gpu: Some(false),
        virtualisation: Some(false),
        architecture: Some("aarch64".to_owned()),
        ..Have::default()
    };
    use Verdict::{Cannot, Enough, Unknown};
    let of = |have: &Have| verdicts(&needs, have).into_iter().map(|(_, verdict)| verdict).collect::<Vec<_>>();
    assert_eq!(of(&arm), [Cannot; 3]);
    let here = Have { rooms: Vec::new(), ..tower() };
    assert_eq!((of(&here), of(&Have::default())), (vec![Enough; 3], vec![Unknown; 3]));
    // one that is there and not given is none
    let withheld = Have { no_gpu: Some("Docker".to_owned()), ..tower() };
    assert_eq!(of(&withheld)[0], Cannot);
    assert!(weigh(&needs, &withheld)[0].finding.as_ref().unwrap().why.contains("Docker no graphics"));
    let all = weigh(&needs, &arm);
    assert!(
        all[2]
            .finding
            .as_ref()
            .unwrap()
            .why
            .contains("Intel or AMD (x86_64), this computer has ARM (aarch64)")
    );
}

#[test]
fn the_alternatives_are_those_of_this_course() {
    let manifest = "id = \"a\"\ntitle = \"A\"\nversion = \"1\"\n[needs]\nmemory = \"8 GB\"\n[backend.docker]\n\
                    [backend.local.needs]\nmemory = \"1 GB\"\n[backend.cloud]\n[[service]]\nname = \"pg\"\ntitle = \
                    \"PostgreSQL\"\nkind = \"web\"\nbackends = [\"docker\"]\n[service.web]\nport = true\n";
    let course = read(manifest, &PackageFiles::new(["course.toml"], |_| None)).unwrap();
    assert_eq!(course.needs_with("local").memory_mb, Some(1024));
    assert_eq!(course.needs_with("docker").memory_mb, Some(8192));
    let have = Have { memory_mb: Some(2048), ..Have::default() };
    let way = |backend: &str, title: Option<&str>, trouble: Option<&str>| Way {
        backend: backend.to_owned(),
        title: title.map(str::to_owned),
        trouble: trouble.map(str::to_owned),
        weighed: weigh(&course.needs_with(backend), &have),
    };
    let docker = way("docker", Some("Docker"), None);
    let ways = [way("cloud", None, None), docker.clone(), way("local", Some("Programs"), None)];
    assert_eq!(
        alternatives(&course, "docker", &ways, &["TOWER\u{1b}".to_owned()]),
        [
            "The course team also made it for \"cloud\", which this kitbag does not have; a newer one may.",
            "Start it with \"Programs\" instead: `kitbag up --backend local`. It needs memory 1 GB. Left out: PostgreSQL.",
            "Or go on with TOWER\\u{1b}, where this course is set up too.",
        ]
    );
    // one that falls short itself is none
    let others = alternatives(&course, "local", &[docker, way("local", Some("Programs"), None)], &[]);
    assert_eq!(others.len(), 1);
    assert!(others[0].contains("kitbag setup"));
    let broken =
        alternatives(&course, "docker", &[way("local", Some("Programs"), Some("It is not there."))], &[]);
    assert!(broken[0].ends_with("put right: It is not there."), "{broken:?}");
}
