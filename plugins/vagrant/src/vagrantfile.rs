//! The Vagrantfile kitbag writes. It is Ruby, so a value of the course stands in it only as a text in single quotes, in
//! which Ruby knows two signs, both escaped, or as a number. Folders are not in it: Vagrant finds them beside the file or
//! in its environment.

/// A virtual machine, as the course wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// Its name among all of this computer, of letters, digits and `-`.
    pub name: String,
    /// The box, as Vagrant knows it.
    pub box_name: String,
    /// Memory in MiB.
    pub memory_mb: u32,
    /// Processor cores.
    pub cores: u32,
    /// How long it may take to answer, in seconds.
    pub boot_seconds: u32,
    /// The key file beside the Vagrantfile.
    pub key: String,
}

/// A text as Ruby reads it back unchanged, whatever is in it.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('\'');
    for c in text.chars() {
        if matches!(c, '\'' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('\'');
    out
}

/// The whole file.
pub fn write(machine: &Machine) -> String {
    let Machine { memory_mb, cores, boot_seconds, .. } = machine;
    let (name, box_name, key) = (quoted(&machine.name), quoted(&machine.box_name), quoted(&machine.key));
    format!(
        r#"# Written by kitbag, again before every start.
Vagrant.configure("2") do |config|
  config.vm.box = {box_name}
  config.vm.box_check_update = false
  config.vm.boot_timeout = {boot_seconds}
  config.vm.synced_folder ".", "/vagrant", disabled: true
  config.ssh.insert_key = false
  config.ssh.private_key_path = [File.join(__dir__, {key}), Vagrant.source_root.join("keys", "vagrant").to_s]
  config.vm.provider "virtualbox" do |machine|
    machine.name = {name}
    machine.gui = false
    machine.memory = {memory_mb}
    machine.cpus = {cores}
  end
  config.vm.provider "libvirt" do |machine|
    machine.default_prefix = {name} + "_"
    machine.memory = {memory_mb}
    machine.cpus = {cores}
  end
  config.vm.provider "hyperv" do |machine|
    machine.vmname = {name}
    machine.memory = {memory_mb}
    machine.cpus = {cores}
  end
  config.vm.provider "parallels" do |machine|
    machine.name = {name}
    machine.memory = {memory_mb}
    machine.cpus = {cores}
  end
  config.vm.provider "vmware_desktop" do |machine|
    machine.gui = false
    machine.vmx["memsize"] = "{memory_mb}"
    machine.vmx["numvcpus"] = "{cores}"
  end
end
"#
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const HOSTILE: [&str; 10] = [
        "plain",
        "it's",
        "#{`touch pwned`}",
        "'; system('touch pwned'); '",
        "\\'; system('touch pwned'); '\\",
        "ends with \\",
        "\\\\'",
        "two\nlines\n=begin\n__END__\n",
        "\" + `id` + \"",
        "ünïcode \u{202e} \t",
    ];

    fn machine(text: &str) -> Machine {
        Machine {
            name: text.into(),
            box_name: text.into(),
            memory_mb: 2048,
            cores: 2,
            boot_seconds: 300,
            key: text.into(),
        }
    }

    /// The quoting, read by Ruby's own two rules.
    #[test]
    fn a_text_is_one_text() {
        for text in HOSTILE {
            let quoted = quoted(text);
            let inner = quoted.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap();
            let (mut back, mut chars) = (String::new(), inner.chars());
            while let Some(c) = chars.next() {
                assert_ne!(c, '\'', "{text:?} ends early");
                back.push(if c == '\\' { chars.next().unwrap() } else { c });
            }
            assert_eq!(back, text);
        }
    }

    /// Ruby itself is asked: each value comes back as it is and nothing is run. Says so where there is none, fails in CI.
    #[test]
    fn ruby_runs_nothing_of_a_course() {
        let folder = std::env::temp_dir().join(format!("kitbag-vagrantfile-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for text in HOSTILE {
            let script = format!(
                "class Any; attr_reader :got; def initialize; @got = []; end\n\
                 def method_missing(name, *args); if name.to_s.end_with?('=') then @got << args[0]; end\n\
                 yield self if block_given?; self; end; end\n\
                 module Vagrant; def self.configure(_); yield($any = Any.new); end\n\
                 def self.source_root; require 'pathname'; Pathname.new('/'); end; end\n\
                 {}\nprint $any.got.first.unpack1('H*')",
                write(&machine(text))
            );
            let file = folder.join("Vagrantfile.rb");
            std::fs::write(&file, &script).unwrap();
            let Ok(ran) = Command::new("ruby").arg(&file).current_dir(&folder).output() else {
                assert!(std::env::var_os("CI").is_none(), "no Ruby: `apt-get install ruby`");
                eprintln!("NOT TESTED: what Ruby makes of it; there is none here");
                break;
            };
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            let said = String::from_utf8_lossy(&ran.stderr).into_owned();
            assert_eq!(String::from_utf8_lossy(&ran.stdout), hex, "{text:?}: {said}");
            assert!(!folder.join("pwned").exists(), "{text:?}");
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn it_names_no_folder_and_shares_none() {
        let text = write(&machine("a"));
        assert!(
            text.contains("disabled: true") && !text.contains("/home") && !text.contains("forwarded_port")
        );
        assert_eq!(text.matches("= 2048").count(), 4);
    }
}
