//! Requests that mean harm: paths, queries, headers, endpoints, and bodies of anything but containers.

use serde_json::{Value, json};

use super::{ALL, Request, ask, ask_with, owner};

#[test]
fn every_hostile_request_is_refused() {
    let labelled = json!({ "Name": "v" });
    let long = format!("/containers/{}/json", "a".repeat(200));
    let endless = format!("/containers/json?filters={}", "a".repeat(20_000));
    let all: Vec<(&str, &str, &str, Value)> = vec![
        ("old semantics", "POST", "/v1.23/containers/a/start", json!({})),
        ("a version that is none", "GET", "/v1.041/version", json!({})),
        ("a version behind a version", "GET", "/v1.41/v1.41/version", json!({})),
        ("version 2", "GET", "/v2/version", json!({})),
        ("only a version", "GET", "/v1.41", json!({})),
        ("up and down", "GET", "/v1.41/../containers/a/json", json!({})),
        ("two slashes", "GET", "//containers/a/json", json!({})),
        ("two slashes inside", "GET", "/containers//a/json", json!({})),
        ("a dot", "GET", "/containers/./a/json", json!({})),
        ("encoded dots", "GET", "/containers/%2e%2e/volumes", json!({})),
        ("an encoded slash", "GET", "/containers/a%2fjson", json!({})),
        ("an encoded letter", "POST", "/containers/%61/start", json!({})),
        ("a slash at the end", "GET", "/containers/a/json/", json!({})),
        ("a backslash", "GET", "/containers\\a\\json", json!({})),
        ("a very long name", "GET", &long, json!({})),
        ("a very long query", "GET", &endless, json!({})),
        ("a key twice", "GET", "/containers/json?all=0&all=1", json!({})),
        ("the key of images to save elsewhere, twice", "GET", "/images/json?names=a&names=b", json!({})),
        ("images to save, none named", "GET", "/images/get", json!({})),
        ("images to save, a name that is none", "GET", "/images/get?names=a&names=..%2F..%2Fb", json!({})),
        ("images to save, in two cases", "GET", "/images/get?names=a&Names=b", json!({})),
        ("a key twice in two cases", "POST", "/images/create?fromImage=a&fromimage=b", json!({})),
        ("a key without a value", "GET", "/containers/json?all", json!({})),
        ("a semicolon between", "POST", "/images/create?fromImage=a;fromSrc=http://x", json!({})),
        ("half an escape", "GET", "/containers/json?filters=%7", json!({})),
        ("bytes that are no text", "GET", "/containers/json?filters=%ff", json!({})),
        ("an encoded key", "POST", "/images/create?%66romSrc=x", json!({})),
        ("another method", "PATCH", "/containers/a/json", json!({})),
        ("a method in small letters", "get", "/version", json!({})),
        ("all events", "GET", "/events", json!({})),
        ("programs of this computer", "GET", "/containers/a/top?ps_args=aux", json!({})),
        ("a container changed", "POST", "/containers/a/update", json!({ "Memory": 1 })),
        ("containers cleared away", "POST", "/containers/prune", json!({})),
        ("volumes cleared away", "POST", "/volumes/prune", json!({})),
        ("images cleared away", "POST", "/images/prune", json!({})),
        ("all cleared away", "POST", "/system/prune", json!({})),
        ("another name", "POST", "/containers/a/rename?name=b", json!({})),
        ("an image of a container", "POST", "/commit?container=a", json!({})),
        ("an image under another's name", "POST", "/images/a/tag?repo=debian", json!({})),
        ("an image sent away", "POST", "/images/a/push", json!({})),
        ("a swarm", "POST", "/swarm/init", json!({})),
        ("a service", "POST", "/services/create", json!({})),
        ("a secret", "GET", "/secrets", json!({})),
        ("a node", "GET", "/nodes", json!({})),
        ("a plugin of the engine", "POST", "/plugins/pull?remote=x", json!({})),
        ("a session", "POST", "/session", json!({})),
        ("grpc", "POST", "/grpc", json!({})),
        ("a password", "POST", "/auth", json!({})),
        ("a web socket", "GET", "/containers/a/attach/ws", json!({})),
        ("an image from an address", "POST", "/images/create?fromSrc=http://169.254.169.254/x", json!({})),
        ("an image changed on the way", "POST", "/images/create?fromImage=a&changes=USER%20root", json!({})),
        ("a build from an address", "POST", "/build?t=kitbag/a&remote=http://x", json!({})),
        ("a build in this computer's network", "POST", "/build?t=kitbag/a&networkmode=host", json!({})),
        ("a build by another builder", "POST", "/build?t=kitbag/a&version=2", json!({})),
        ("a build under another's name", "POST", "/build?t=debian", json!({})),
        ("a build without a name", "POST", "/build", json!({})),
        ("a build file outside", "POST", "/build?t=kitbag/a&dockerfile=../../etc/passwd", json!({})),
        ("names in a build", "POST", "/build?t=kitbag/a&extrahosts=a:1.2.3.4", json!({})),
        ("links taken away", "DELETE", "/containers/a?link=1", json!({})),
        (
            "a volume that binds",
            "POST",
            "/volumes/create",
            json!({ "Name": "v", "DriverOpts": { "type": "none", "o": "bind", "device": "/" } }),
        ),
        ("a volume of another driver", "POST", "/volumes/create", json!({ "Name": "v", "Driver": "nfs" })),
        (
            "a volume in the cluster",
            "POST",
            "/volumes/create",
            json!({ "Name": "v", "ClusterVolumeSpec": { "Group": "a" } }),
        ),
        ("a volume that is a path", "POST", "/volumes/create", json!({ "Name": "/etc" })),
        ("a volume without a name", "POST", "/volumes/create", json!({})),
        ("a volume changed", "PUT", "/volumes/v", labelled.clone()),
        (
            "a network of another driver",
            "POST",
            "/networks/create",
            json!({ "Name": "n", "Driver": "macvlan" }),
        ),
        (
            "a network open to everybody",
            "POST",
            "/networks/create",
            json!({ "Name": "n", "Options": { "com.docker.network.bridge.host_binding_ipv4": "0.0.0.0" } }),
        ),
        (
            "a network of chosen addresses",
            "POST",
            "/networks/create",
            json!({ "Name": "n", "IPAM": { "Config": [{ "Subnet": "10.0.0.0/8" }] } }),
        ),
        (
            "a network to join from outside",
            "POST",
            "/networks/create",
            json!({ "Name": "n", "Attachable": true }),
        ),
        ("a network of a swarm", "POST", "/networks/create", json!({ "Name": "n", "Ingress": true })),
        ("another container in a network", "POST", "/networks/n/connect", json!({ "Container": "other" })),
        ("a privileged command", "POST", "/containers/a/exec", json!({ "Cmd": ["id"], "Privileged": true })),
        ("keys that detach", "POST", "/containers/a/exec", json!({ "Cmd": ["id"], "DetachKeys": "ctrl-a" })),
        ("a command that has no id", "GET", "/exec/nothex!/json", json!({})),
        (
            "a filter that takes away",
            "GET",
            "/containers/json?filters=%7B%22label!%22%3A%5B%22a%22%5D%7D",
            json!({}),
        ),
        ("a filter that is no object", "GET", "/containers/json?filters=%5B%5D", json!({})),
        (
            "a filter that says no",
            "GET",
            "/containers/json?filters=%7B%22label%22%3A%7B%22a%22%3Afalse%7D%7D",
            json!({}),
        ),
    ];
    for (name, method, target, body) in &all {
        let answer = ask(method, target, body.clone());
        assert!(answer.is_err(), "{name} got through: {method} {target} {body}");
    }
    for (name, value) in [
        ("x-registry-auth", "e30="),
        ("x-registry-config", "e30="),
        ("transfer-encoding", "chunked"),
        ("upgrade", "tcp"),
        ("connection", "upgrade"),
        ("expect", "100-continue"),
        ("x-http-method-override", "POST"),
        ("kitbag-start", "{}"),
    ] {
        let request =
            Request { method: "GET", target: "/version", headers: &[(name, value)], body: json!({}) };
        assert!(ask_with(&ALL, &owner(), &request).is_err(), "the header {name} got through");
    }
    for start in
        ["{\"Detach\":false,\"DetachKeys\":\"a\"}", "[]", "{", "{\"Tty\":1}", "{\"Privileged\":true}"]
    {
        let headers = [("kitbag-start", start)];
        let request =
            Request { method: "POST", target: "/exec/4f2a/start", headers: &headers, body: json!({}) };
        assert!(ask_with(&ALL, &owner(), &request).is_err(), "{start} got through");
    }
}
