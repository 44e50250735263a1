//! A LaunchAgent of macOS: a property list in `~/Library/LaunchAgents` (launchd.plist(5)). It starts with the log-in and
//! again where it failed. Words are XML text, so only `&`, `<` and `>` are escaped.

use super::{Entry, Unfit, text, words};

/// What launchd knows the agent by.
pub fn label(name: &str) -> String {
    format!("io.{name}.agent")
}

/// The property list's text.
///
/// # Errors
/// A name that XML cannot hold.
pub fn launch_agent(entry: &Entry) -> Result<String, Unfit> {
    let words = words(&entry.program, &entry.stay)?;
    let arguments: String =
        words.iter().map(|word| format!("    <string>{}</string>\n", escaped(word))).collect();
    let label = label(&entry.name);
    let path = match &entry.path {
        Some(path) => format!(
            "  <key>EnvironmentVariables</key>\n  <dict>\n    <key>PATH</key>\n    <string>{}</string>\n  </dict>\n",
            escaped(text(path)?)
        ),
        None => String::new(),
    };
    Ok(format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Written by `kitbag agent install`. `kitbag agent uninstall` takes it away, unless it was changed. -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>{label}</string>
  <key>ProgramArguments</key>
  <array>
{arguments}  </array>
{path}  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>10</integer>
  <key>ExitTimeOut</key>
  <integer>300</integer>
  <key>AbandonProcessGroup</key>
  <true/>
</dict>
</plist>
"#
    ))
}

fn escaped(word: &str) -> String {
    word.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
