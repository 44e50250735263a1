//! The instance ends at every request on a real engine, whose own half-done things are not those of a fake.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Duration;

use kitbag_plugin_docker::api::Api;
use kitbag_plugin_docker::{run, status};
use kitbag_sdk::engine::{Engine, EngineError, Request, Response};
use kitbag_sdk::{Fault, Phase};

use crate::socket::Socket;
use crate::{Machine, free_port, image};

struct Trap;

/// Sends `left` more requests; the next one takes effect, and nobody hears of it.
struct Ending<'e> {
    engine: &'e Socket,
    left: Cell<usize>,
}

impl Engine for Ending<'_> {
    fn call<'a>(&self, request: Request<'a>) -> Result<Response<'a>, EngineError> {
        let answer = self.engine.call(request);
        match self.left.get().checked_sub(1) {
            Some(left) => self.left.set(left),
            None => resume_unwind(Box::new(Trap)),
        }
        answer
    }
}

#[test]
fn a_crash_after_any_request_of_up() {
    let Some(machine) = Machine::new("crash") else { return };
    let compose = format!(
        "services:\n  web:\n    image: {0}\n    ports: ['8080']\n    depends_on: [db]\n    user: '1234'\n    volumes: ['page:/page']\n    command: httpd -f -p 8080 -h /page\n  db:\n    image: {0}\n    command: sleep 600\nvolumes: {{page: }}\n",
        image::NAME
    );
    let source = serde_json::json!({ "compose": compose }).to_string();
    let what = machine.spec(&source, &[("web", free_port())]);
    let up = |engine: &dyn Engine| -> Result<(), Fault> {
        let api = Api::connect(engine, &machine.host)?;
        let plan = run::plan(&api, &what)?;
        run::create(&api, &what, &plan.fingerprint)?;
        run::start(&api, &what)
    };
    for at in 0.. {
        let ending = Ending { engine: &machine.engine, left: Cell::new(at) };
        let ended = catch_unwind(AssertUnwindSafe(|| up(&ending)));
        match ended {
            Ok(done) => {
                done.unwrap();
                assert!(at > 20, "only {at} requests: the test does not reach far");
                return;
            }
            Err(cause) => assert!(cause.is::<Trap>()),
        }
        // One time it goes on, the other everything is taken away first.
        if at % 2 == 0 {
            up(&machine.engine).unwrap();
            let now =
                machine.with(|api| status::wait_ready(api, &machine.id, Duration::from_secs(60))).unwrap();
            assert_eq!(now.phase, Phase::Running, "after {at}");
            // two containers, the volume of the course, two that the image declares, the network
            assert_eq!(machine.things(), 6, "after {at}");
        }
        for id in machine.with(run::list_owned).unwrap() {
            machine.with(|api| run::destroy(api, &id)).unwrap();
        }
        assert_eq!(machine.things(), 0, "after {at}");
    }
}
