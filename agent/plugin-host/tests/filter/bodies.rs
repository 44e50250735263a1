//! Bodies of containers that mean harm. The name says what each tries.

use serde_json::{Value, json};

use super::create;

/// Every one of these must be refused. The name says what it tries.
fn hostile_bodies() -> Vec<(&'static str, Value)> {
    let mut all: Vec<(&'static str, Value)> = [
        ("privileged", json!({ "Privileged": true })),
        ("privileged in another case", json!({ "privileged": true })),
        ("privileged by a letter that folds", json!({ "Privi\u{2113}eged": true })),
        ("all capabilities", json!({ "CapAdd": ["ALL"] })),
        ("one capability", json!({ "CapAdd": ["SYS_ADMIN"] })),
        ("a device", json!({ "Devices": [{ "PathOnHost": "/dev/sda", "PathInContainer": "/dev/sda" }] })),
        ("device rules", json!({ "DeviceCgroupRules": ["a *:* rwm"] })),
        ("any device by CDI", json!({ "DeviceRequests": [{ "Driver": "cdi", "DeviceIDs": ["x"] }] })),
        ("a device request that is no gpu", json!({ "DeviceRequests": [{ "Count": -1, "Capabilities": [["tpu"]] }] })),
        ("a device request with options", json!({ "DeviceRequests": [{ "Capabilities": [["gpu"]], "Options": { "a": "b" } }] })),
        ("processes of this computer", json!({ "PidMode": "host" })),
        ("processes of another container", json!({ "PidMode": "container:other" })),
        ("memory of this computer", json!({ "IpcMode": "host" })),
        ("shared memory for others", json!({ "IpcMode": "shareable" })),
        ("memory of another container", json!({ "IpcMode": "container:other" })),
        ("network of this computer", json!({ "NetworkMode": "host" })),
        ("network of another container", json!({ "NetworkMode": "container:other" })),
        ("a network name space by path", json!({ "NetworkMode": "ns:/proc/1/ns/net" })),
        ("name of this computer", json!({ "UTSMode": "host" })),
        ("users of this computer", json!({ "UsernsMode": "host" })),
        ("control groups of this computer", json!({ "CgroupnsMode": "host" })),
        ("another parent of its control group", json!({ "CgroupParent": "/" })),
        ("the root of this computer", json!({ "Binds": ["/:/host"] })),
        ("the engine's socket", json!({ "Binds": ["/var/run/docker.sock:/var/run/docker.sock"] })),
        ("a home folder", json!({ "Binds": ["/home:/home:ro"] })),
        ("a drive", json!({ "Binds": ["C:\\:/host"] })),
        ("a path beside the token", json!({ "Binds": ["{work}/../..:/host"] })),
        ("a path behind the token", json!({ "Binds": ["{work}x:/host"] })),
        ("two tokens", json!({ "Binds": ["{work}{data}:/host"] })),
        ("a secret as a folder", json!({ "Binds": ["{token}:/host"] })),
        ("a folder that was not granted", json!({ "Binds": ["{home}:/host"] })),
        ("a doubled slash below a folder", json!({ "Binds": ["{work}//etc:/host"] })),
        ("a backslash below a folder", json!({ "Binds": ["{work}/..\\..:/host"] })),
        ("a mount that spreads", json!({ "Binds": ["{work}:/w:rshared"] })),
        ("a mount that follows", json!({ "Binds": ["{work}:/w:rslave"] })),
        ("a relabelled folder", json!({ "Binds": ["{work}:/w:Z"] })),
        ("the container's root", json!({ "Binds": ["{work}:/"] })),
        ("a target that climbs", json!({ "Binds": ["{work}:/a/../.."] })),
        ("four parts", json!({ "Binds": ["{work}:/w:ro:/x"] })),
        ("no source", json!({ "Binds": [":/w"] })),
        ("a bind that is no text", json!({ "Binds": [{ "Source": "/" }] })),
        ("binds that are no list", json!({ "Binds": "/:/host" })),
        ("a long bind of the root", json!({ "Mounts": [{ "Type": "bind", "Source": "/", "Target": "/host" }] })),
        ("a long bind in another case", json!({ "Mounts": [{ "type": "bind", "Source": "/", "Target": "/host" }] })),
        ("a bind with a type in capitals", json!({ "Mounts": [{ "Type": "BIND", "Source": "/", "Target": "/host" }] })),
        ("a made mount point", json!({ "Mounts": [{ "Type": "bind", "Source": "{work}", "Target": "/w", "BindOptions": { "CreateMountpoint": true } }] })),
        ("a long bind that spreads", json!({ "Mounts": [{ "Type": "bind", "Source": "{work}", "Target": "/w", "BindOptions": { "Propagation": "shared" } }] })),
        ("a volume that binds", json!({ "Mounts": [{ "Type": "volume", "Source": "v", "Target": "/v", "VolumeOptions": { "DriverConfig": { "Name": "local", "Options": { "type": "none", "o": "bind", "device": "/" } } } }] })),
        ("a volume beside its place", json!({ "Mounts": [{ "Type": "volume", "Source": "v", "Target": "/v", "VolumeOptions": { "Subpath": "../.." } }] })),
        ("a volume that is a path", json!({ "Mounts": [{ "Type": "volume", "Source": "/etc", "Target": "/v" }] })),
        ("a named pipe", json!({ "Mounts": [{ "Type": "npipe", "Source": "\\\\.\\pipe\\docker_engine", "Target": "/p" }] })),
        ("a cluster volume", json!({ "Mounts": [{ "Type": "cluster", "Source": "v", "Target": "/p" }] })),
        ("a mounted image", json!({ "Mounts": [{ "Type": "image", "Source": "a", "Target": "/p" }] })),
        ("bind options on a volume", json!({ "Mounts": [{ "Type": "volume", "Source": "v", "Target": "/v", "BindOptions": { "NonRecursive": true } }] })),
        ("memory with a source", json!({ "Mounts": [{ "Type": "tmpfs", "Source": "/etc", "Target": "/v" }] })),
        ("memory with a bind in its options", json!({ "Tmpfs": { "/t": "bind" } })),
        ("memory over a climbing path", json!({ "Tmpfs": { "/../t": "" } })),
        ("volumes of another container", json!({ "VolumesFrom": ["other"] })),
        ("another volume driver", json!({ "VolumeDriver": "evil" })),
        ("all ports to everybody", json!({ "PublishAllPorts": true })),
        ("a port to everybody", json!({ "PortBindings": { "80/tcp": [{ "HostIp": "0.0.0.0", "HostPort": "35180" }] } })),
        ("a port to everybody, IPv6", json!({ "PortBindings": { "80/tcp": [{ "HostIp": "::", "HostPort": "" }] } })),
        ("an address that is written oddly", json!({ "PortBindings": { "80/tcp": [{ "HostIp": "127.1", "HostPort": "" }] } })),
        ("a port that was not granted", json!({ "PortBindings": { "80/tcp": [{ "HostPort": "22" }] } })),
        ("a range of ports", json!({ "PortBindings": { "80/tcp": [{ "HostPort": "35180-36000" }] } })),
        ("a port with a sign", json!({ "PortBindings": { "80/tcp": [{ "HostPort": "+35180" }] } })),
        ("a range of inner ports", json!({ "PortBindings": { "80-90/tcp": [{}] } })),
        ("no confinement", json!({ "SecurityOpt": ["seccomp=unconfined"] })),
        ("no labels of the system", json!({ "SecurityOpt": ["label=disable"] })),
        ("paths that are not masked", json!({ "SecurityOpt": ["systempaths=unconfined"] })),
        ("other masked paths", json!({ "MaskedPaths": ["/x"] })),
        ("other read-only paths", json!({ "ReadonlyPaths": ["/x"] })),
        ("a kernel setting", json!({ "Sysctls": { "net.ipv4.ip_forward": "1" } })),
        ("another runtime", json!({ "Runtime": "evil" })),
        ("annotations for a runtime", json!({ "Annotations": { "run.oci.hooks": "x" } })),
        ("a log that is sent away", json!({ "LogConfig": { "Type": "syslog", "Config": { "syslog-address": "tcp://evil" } } })),
        ("a log with a path", json!({ "LogConfig": { "Type": "json-file", "Config": { "path": "/etc" } } })),
        ("one that comes back by itself", json!({ "RestartPolicy": { "Name": "always" } })),
        ("one that comes back unless stopped", json!({ "RestartPolicy": { "Name": "unless-stopped" } })),
        ("a link to another container", json!({ "Links": ["other:db"] })),
        ("more groups", json!({ "GroupAdd": ["docker"] })),
        ("one that outlives when memory ends", json!({ "OomKillDisable": true })),
        ("names for addresses", json!({ "ExtraHosts": ["bank.example:10.0.0.1"] })),
        ("a key of tomorrow", json!({ "FutureHostThing": { "Enable": true } })),
        ("storage options", json!({ "StorageOpt": { "size": "1" } })),
        ("limits of the system", json!({ "Ulimits": [{ "Name": "core", "Soft": -1, "Hard": -1 }] })),
    ]
    .into_iter()
    .map(|(name, host)| (name, json!({ "Image": "a", "HostConfig": host })))
    .collect();
    all.extend([
        ("another's label", json!({ "Image": "a", "Labels": { "com.docker.compose.project": "x" } })),
        ("a label that updates by itself", json!({ "Image": "a", "Labels": { "io.containers.autoupdate": "registry" } })),
        ("a label that is no text", json!({ "Image": "a", "Labels": { "a": ["b"] } })),
        ("a bind in lower case", json!({ "Image": "a", "hostconfig": { "Binds": ["/:/host"] } })),
        ("no image", json!({ "HostConfig": {} })),
        ("an image that is a path", json!({ "Image": "../../x" })),
        ("an anonymous volume with options", json!({ "Image": "a", "Volumes": { "/v": { "device": "/" } } })),
        ("a variable without a name", json!({ "Image": "a", "Env": ["=x"] })),
        ("a variable without a value", json!({ "Image": "a", "Env": ["DOCKER_HOST"] })),
        ("a NUL in a command", json!({ "Image": "a", "Cmd": ["a\u{0}b"] })),
        ("a command by ONBUILD", json!({ "Image": "a", "OnBuild": ["RUN x"] })),
        ("another hardware address", json!({ "Image": "a", "MacAddress": "02:42:ac:11:00:02" })),
        ("a fixed address", json!({ "Image": "a", "NetworkingConfig": { "EndpointsConfig": { "bridge": { "IPAMConfig": { "IPv4Address": "172.17.0.9" } } } } })),
        ("options of a driver", json!({ "Image": "a", "NetworkingConfig": { "EndpointsConfig": { "bridge": { "DriverOpts": { "a": "b" } } } } })),
        ("this computer's network beside", json!({ "Image": "a", "NetworkingConfig": { "EndpointsConfig": { "host": {} } } })),
        ("a list for a body", json!([])),
        ("a text for a body", json!("Privileged")),
    ]);
    all
}

#[test]
fn every_hostile_body_is_refused() {
    let all = hostile_bodies();
    for (name, body) in &all {
        let answer = create(body.clone());
        assert!(answer.is_err(), "{name} got through: {body}");
    }
    assert!(all.len() >= 80, "{}", all.len());
}
