use std::collections::BTreeMap;

use kitbag_sdk::EnvRef;

use super::*;
use crate::layout::Layout;
use crate::source;

const SEVERAL: &str = r#"{"compose": "services:\n  jupyter:\n    image: j:1\n    ports: ['8888']\n    depends_on: {db: {condition: service_healthy}}\n    environment: {T: '${KITBAG_TOKEN}'}\n    volumes: ['./notebooks:/home/x/notebooks', './data:/home/x/data']\n  db:\n    image: pg\n    volumes: ['pg:/var/lib/pg']\nvolumes: {pg: }\n",
  "services": [{"name":"jupyter","kind":"program","path":"/lab"},{"name":"library","kind":"sqlite"}]}"#;

struct World {
    id: EnvRef,
    layout: Layout,
    ports: BTreeMap<String, u16>,
    env: Vec<(String, String)>,
}

impl World {
    fn new(block: &str) -> Self {
        Self {
            id: EnvRef { workspace: "w".into(), machine: "m".into(), name: "course".into() },
            layout: source::read(block).unwrap(),
            ports: [("jupyter".to_owned(), 35188)].into(),
            env: vec![("KITBAG_LIBRARY_URL".into(), "sqlite:/host/x".into()), ("LANG".into(), "C".into())],
        }
    }

    fn around(&self) -> Around<'_> {
        Around { id: &self.id, layout: &self.layout, ports: &self.ports, env: &self.env }
    }

    /// What an engine has on which these steps were done, with these folders declared by each image.
    fn done(&self, have: &Have, steps: &[Step], declared: &[&str]) -> Have {
        let mut have = have.clone();
        for step in steps {
            let print = self.layout.fingerprint();
            match step {
                Step::Image(wanted) => {
                    let volumes = declared.iter().map(|&one| one.to_owned()).collect();
                    let user = if wanted.name.starts_with("pg") { "postgres" } else { "0:0" }.to_owned();
                    have.images.insert(wanted.name.clone(), Facts { volumes, user });
                }
                Step::Network(name) => drop(have.networks.insert(name.clone(), print)),
                Step::Volume(name, part) => {
                    let volume = Volume { name: name.clone(), fingerprint: print, ..Volume::default() };
                    have.volumes.insert(part.clone(), volume);
                }
                Step::Create(part, _, request) => {
                    let made_from = request["Labels"][names::MADE_FROM].as_str().unwrap().to_owned();
                    have.containers.insert(
                        part.clone(),
                        Made { fingerprint: print, made_from, running: false, fresh: true },
                    );
                }
                Step::Remove(part, _) => drop(have.containers.remove(part)),
                Step::Start(part, _) => have.containers.get_mut(part).unwrap().running = true,
                Step::Own(part, ..) => assert!(have.containers[part].fresh, "owned after it was started"),
                Step::Await(part, _) => {
                    assert!(have.containers[part].running, "awaited before it was started")
                }
            }
        }
        have
    }
}

fn ids(steps: &[Step]) -> Vec<String> {
    steps.iter().map(Step::id).filter(|id| !id.starts_with("image-")).collect()
}

fn empty() -> Have {
    Have { arch: "amd64".into(), ..Have::default() }
}

#[test]
fn from_nothing_to_running_in_the_right_order() {
    let world = World::new(SEVERAL);
    let around = world.around();
    let first = create(&around, &empty()).unwrap();
    assert!(matches!(&first[0], Step::Image(one) if one.name == "pg:latest" && one.how == How::Pull(None)));
    let images: Vec<Step> = first.iter().filter(|step| matches!(step, Step::Image(_))).cloned().collect();
    assert_eq!(images.len(), 2);
    let have = world.done(&empty(), &images, &["/srv"]);
    let second = create(&around, &have).unwrap();
    // one volume of the course, and one for the folder each image declares
    assert_eq!(ids(&second)[0], "network");
    assert_eq!(ids(&second).iter().filter(|id| id.starts_with("volume-")).count(), 3);
    assert_eq!(ids(&second)[4..], ["create-db", "create-jupyter"]);
    let have = world.done(&have, &second, &[]);
    assert_eq!(create(&around, &have).unwrap(), []);
    let starting = start(&around, &have).unwrap();
    assert_eq!(ids(&starting), ["own-db", "start-db", "await-db", "start-jupyter"]);
    let have = world.done(&have, &starting, &[]);
    assert_eq!(start(&around, &have).unwrap(), []);
    assert_eq!(create(&around, &have).unwrap(), []);
}

/// Whatever of the steps was done before a crash, the next plan is the rest of them.
#[test]
fn a_plan_goes_on_from_any_part_of_itself() {
    let world = World::new(SEVERAL);
    let around = world.around();
    let images = world.done(&empty(), &create(&around, &empty()).unwrap()[..2], &["/srv"]);
    let all = create(&around, &images).unwrap();
    for done in 0_u32..1 << all.len() {
        let (before, after): (Vec<_>, Vec<_>) =
            all.iter().enumerate().partition(|(at, _)| done & (1 << at) != 0);
        let step =
            |some: Vec<(usize, &Step)>| some.into_iter().map(|(_, step)| step.clone()).collect::<Vec<_>>();
        let have = world.done(&images, &step(before), &[]);
        assert_eq!(create(&around, &have).unwrap(), step(after));
    }
}

#[test]
fn another_course_is_a_conflict_wherever_it_shows() {
    let world = World::new(SEVERAL);
    let other = "docker-1-other".to_owned();
    let made = Made { fingerprint: other.clone(), made_from: String::new(), running: true, fresh: false };
    for have in [
        Have { networks: [("n".into(), other.clone())].into(), ..empty() },
        Have {
            volumes: [("v".into(), Volume { fingerprint: other, ..Volume::default() })].into(),
            ..empty()
        },
        Have { containers: [("db".into(), made)].into(), ..empty() },
    ] {
        assert_eq!(create(&world.around(), &have).unwrap_err().code, FaultCode::Conflict);
        let (steps, lost) = both(&world.around(), &have).unwrap();
        assert!(lost && steps.len() > 4);
    }
    assert_eq!(start(&world.around(), &empty()).unwrap_err().code, FaultCode::NotFound);
}

#[test]
fn another_port_makes_a_container_afresh_unless_it_runs() {
    let mut world = World::new(SEVERAL);
    let mut have = empty();
    for _ in 0..2 {
        have = world.done(&have, &create(&world.around(), &have).unwrap(), &[]);
    }
    assert!(!both(&world.around(), &have).unwrap().1);
    world.ports.insert("jupyter".into(), 40000);
    let steps = start(&world.around(), &have).unwrap();
    assert_eq!(
        ids(&steps),
        ["own-db", "start-db", "await-db", "remove-jupyter", "create-jupyter", "start-jupyter"]
    );
    assert!(both(&world.around(), &have).unwrap().1);
    for made in have.containers.values_mut() {
        made.running = true;
    }
    assert_eq!(start(&world.around(), &have).unwrap(), []);
}

#[test]
fn a_request_holds_tokens_labels_and_this_computers_ports_only() {
    let world = World::new(SEVERAL);
    let steps = create(&world.around(), &empty()).unwrap();
    let request = steps.iter().find_map(|step| match step {
        Step::Create(part, _, request) if part == "jupyter" => Some(request),
        _ => None,
    });
    let request = request.unwrap();
    assert_eq!(request["HostConfig"]["PortBindings"]["8888/tcp"][0]["HostIp"], "127.0.0.1");
    assert_eq!(request["HostConfig"]["PortBindings"]["8888/tcp"][0]["HostPort"], "35188");
    assert_eq!(request["HostConfig"]["Mounts"][0]["Source"], "{work}/notebooks");
    assert_eq!(
        request["Env"],
        serde_json::json!(["KITBAG_JUPYTER_URL=http://jupyter:8888/lab", "LANG=C", "T={token}"])
    );
    for (key, value) in [(names::WORKSPACE, "w"), (names::MACHINE, "m"), (names::ENVIRONMENT, "course")] {
        assert_eq!(request["Labels"][key], value);
    }
    let about: crate::layout::About =
        serde_json::from_str(request["Labels"][names::ABOUT].as_str().unwrap()).unwrap();
    assert!(about.main && about.order == 1);
    assert_eq!(about.folders["work"], "/home/x");
    let services: Vec<_> = about.services.iter().map(|(place, one)| (*place, one.name.as_str())).collect();
    assert_eq!(services, [(0, "jupyter"), (1, "library")]);
    assert!(!request.to_string().contains("/host/x"), "an address of this computer went into a container");
}

#[test]
fn images_fit_the_processor() {
    let world = World::new(r#"{"image":"a:1","file":"a.tar","arch":{"arm64":{"image":"b:1","size_mb":7}}}"#);
    let container = &world.layout.containers[0];
    let prefix = "kitbag-0123456789abcdef";
    let of = |arch: &str| image(container, prefix, &Have { arch: arch.into(), ..Have::default() });
    assert_eq!(of("amd64").unwrap().how, How::Load("a.tar".into()));
    let arm = of("arm64").unwrap();
    assert_eq!((arm.name.as_str(), arm.how, arm.size_mb), ("b:1", How::Pull(Some("arm64".into())), Some(7)));
    assert_eq!(of("riscv64").unwrap_err().code, FaultCode::Unsupported);
    // A course that does not tell processors apart leaves it to the engine.
    let one = World::new(r#"{"image":"reg:5000/a"}"#);
    assert_eq!(
        image(&one.layout.containers[0], prefix, &Have { arch: "riscv64".into(), ..Have::default() })
            .unwrap()
            .name,
        "reg:5000/a:latest"
    );
    let built = World::new(r#"{"build":"binder","course_version":"3"}"#);
    let built = image(&built.layout.containers[0], prefix, &empty()).unwrap();
    assert!(built.name.starts_with("kitbag/0123456789abcdef-course:"), "{}", built.name);
    // An image with a folder it can be built from: the image where it is there, else built.
    let either = World::new(r#"{"image":"course:1","build":"binder"}"#);
    let container = &either.layout.containers[0];
    assert!(matches!(image(container, prefix, &empty()).unwrap().how, How::Build(_)));
    let there = Have { images: [("course:1".to_owned(), Facts::default())].into(), ..empty() };
    assert_eq!(image(container, prefix, &there).unwrap().name, "course:1");
}
