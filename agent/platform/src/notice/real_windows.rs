//! Windows: a toast, shown by the PowerShell that comes with it, under PowerShell's own name: a program without an
//! installer has none. The script is always the same; what is said comes in its surroundings and becomes text nodes.

use std::path::PathBuf;
use std::process::Command;

use super::{Notice, NoticeError, PATIENCE};
use crate::process::brief;

const SCRIPT: &str = r#"
$ErrorActionPreference = 'Stop'
$null = [Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime]
$kind = [Windows.UI.Notifications.ToastTemplateType]::ToastText02
$xml = [Windows.UI.Notifications.ToastNotificationManager]::GetTemplateContent($kind)
$lines = $xml.GetElementsByTagName('text')
$null = $lines.Item(0).AppendChild($xml.CreateTextNode($env:KITBAG_NOTICE_TITLE))
$null = $lines.Item(1).AppendChild($xml.CreateTextNode($env:KITBAG_NOTICE_TEXT))
$toast = [Windows.UI.Notifications.ToastNotification]::new($xml)
$who = '{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\WindowsPowerShell\v1.0\powershell.exe'
[Windows.UI.Notifications.ToastNotificationManager]::CreateToastNotifier($who).Show($toast)
"#;

pub(super) fn show(notice: &Notice) -> Result<(), NoticeError> {
    let root = std::env::var_os("SystemRoot").map(PathBuf::from).ok_or(NoticeError::Absent)?;
    let mut command = Command::new(root.join(r"System32\WindowsPowerShell\v1.0\powershell.exe"));
    command.args(["-NoLogo", "-NoProfile", "-NonInteractive", "-Command", SCRIPT]);
    command.env("KITBAG_NOTICE_TITLE", &notice.title).env("KITBAG_NOTICE_TEXT", &notice.text);
    match brief(&mut command, None, PATIENCE) {
        Ok(said) if said.worked => Ok(()),
        Ok(said) => Err(NoticeError::Refused(said.errors.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(NoticeError::Absent),
        Err(error) => Err(NoticeError::Refused(error.to_string())),
    }
}
