//! Random secrets of this machine: the access token of a workspace's services, kept by the person's keychain where
//! there is one, and the key that marks compiled plugins as ours. What no keychain keeps lies in a file of machine
//! state that only its owner can read, and is never carried anywhere.

use std::path::Path;

use kitbag_platform::private;
use kitbag_platform::secrets::Secrets;

use crate::doors::Doors;
use crate::error::EngineError;
use crate::workspace::Workspace;

/// Bytes of an access token.
const TOKEN: usize = 24;

/// The secret of a file, as hexadecimal, made on the spot when there is none; and whether it was made now.
///
/// # Errors
/// It cannot be read or written, or the system has no random source.
pub(super) fn secret(file: &Path, bytes: usize, doors: &Doors) -> Result<(String, bool), EngineError> {
    if let Some(text) = read(file, bytes)? {
        return Ok((text, false));
    }
    let text = doors.chance.token(bytes).map_err(EngineError::io("cannot write", file))?;
    write(file, &text, doors)?;
    Ok((text, true))
}

/// The access token of a workspace's services on this machine, and whether a file was made for it now. With
/// `take_over` one that lies in a file goes to the keychain, if that takes it.
///
/// # Errors
/// It cannot be read or written, or the system has no random source.
pub(super) fn access_token(ws: &Workspace, take_over: bool) -> Result<(String, bool), EngineError> {
    let file = ws.environment_folder().join("token");
    let name = format!("{} on {}", ws.settings.name, ws.settings.machine_id);
    let keychain = ws.config.keychain.then_some(ws.doors.secrets.as_ref());
    if let Some(text) = read(&file, TOKEN)? {
        // read back before the file goes: a keychain that forgets would lock everybody out
        let kept = |keychain: &&dyn Secrets| {
            keychain
                .set(&name, &text)
                .and_then(|()| keychain.get(&name))
                .is_ok_and(|got| got.as_ref() == Some(&text))
        };
        if take_over && keychain.as_ref().is_some_and(kept) {
            ws.doors.disk.remove(&file).map_err(EngineError::io("cannot remove", &file))?;
        }
        return Ok((text, false));
    }
    let text = ws.doors.chance.token(TOKEN).map_err(EngineError::io("cannot write", &file))?;
    if let Some(keychain) = keychain {
        let kept = match keychain.get(&name) {
            Ok(Some(text)) if fits(&text, TOKEN) => return Ok((text, false)),
            Ok(_) => keychain.set(&name, &text),
            Err(error) => Err(error),
        };
        match kept {
            Ok(()) => return Ok((text, false)),
            Err(error) => tracing::info!(%error, "the access token is kept in a file"),
        }
    }
    write(&file, &text, &ws.doors)?;
    Ok((text, true))
}

fn read(file: &Path, bytes: usize) -> Result<Option<String>, EngineError> {
    let text = private::read(file, 1024).map_err(EngineError::io("cannot read", file))?;
    Ok(text.filter(|text| fits(text, bytes)))
}

fn write(file: &Path, text: &str, doors: &Doors) -> Result<(), EngineError> {
    let fail = || EngineError::io("cannot write", file);
    if let Some(folder) = file.parent() {
        doors.disk.create_dirs(folder).map_err(fail())?;
    }
    private::write(file, text).map_err(fail())
}

/// The key made of a secret of 32 bytes.
pub(super) fn key(text: &str) -> [u8; 32] {
    let digit =
        |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).unwrap_or(0);
    let mut key = [0; 32];
    for (to, pair) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *to = digit(pair[0]) << 4 | digit(pair[1]);
    }
    key
}

fn fits(text: &str, bytes: usize) -> bool {
    text.len() == 2 * bytes && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use kitbag_platform::places::SimulatedPlaces;
    use kitbag_platform::secrets::{SecretsError, SimulatedSecrets};

    use super::*;
    use crate::setup::{Wanted, setup};
    use crate::workspace::{Config, choose};

    #[test]
    fn it_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/token");
        let doors = Doors::real();
        let (text, made) = secret(&file, 32, &doors).unwrap();
        assert!(made && fits(&text, 32));
        assert_eq!(secret(&file, 32, &doors).unwrap(), (text.clone(), false));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        std::fs::write(&file, &text[..10]).unwrap();
        let (new, made) = secret(&file, 32, &doors).unwrap();
        assert!(made && new != text);
        assert_eq!(key(&"0f".repeat(32)), [15; 32]);
    }

    fn workspace(top: &Path, secrets: Arc<SimulatedSecrets>) -> Workspace {
        let doors = Doors { secrets, ..Doors::real() };
        let home = top.join("home");
        let wanted = Wanted {
            share: top.join("share"),
            work: top.join("work"),
            machine: "A".to_owned(),
            name: Some("mini".to_owned()),
        };
        let settings = match choose(&home, &doors, None, None) {
            Ok(settings) => settings,
            Err(_) => {
                setup(&home, &wanted, &SimulatedPlaces::new(&top.join("nobody")), &doors).unwrap().settings
            }
        };
        Workspace::open(&home, settings, Config::default(), doors).unwrap()
    }

    /// The keychain keeps it where there is one; a file that was there is taken over; one that is locked, or forgets,
    /// costs nobody the token that a file has.
    #[test]
    fn the_keychain_keeps_the_token_where_it_can() {
        let top = tempfile::tempdir().unwrap();
        let file = |ws: &Workspace| ws.environment_folder().join("token");
        let keychain = Arc::new(SimulatedSecrets::absent());
        let ws = workspace(top.path(), keychain.clone());
        let (text, said) = access_token(&ws, true).unwrap();
        assert!(said && file(&ws).is_file());
        assert_eq!(access_token(&ws, true).unwrap(), (text.clone(), false), "said once");

        keychain.answer_with(Some(SecretsError::Refused("locked".to_owned())));
        assert_eq!(access_token(&ws, true).unwrap(), (text.clone(), false));
        assert!(file(&ws).is_file());

        keychain.answer_with(None);
        assert_eq!(access_token(&ws, false).unwrap(), (text.clone(), false));
        assert!(file(&ws).is_file(), "only a start takes it over");
        assert_eq!(access_token(&ws, true).unwrap(), (text.clone(), false));
        assert!(!file(&ws).exists());
        assert_eq!(access_token(&ws, false).unwrap(), (text.clone(), false));
        let mut off = workspace_again(ws, top.path(), keychain.clone());
        off.config.keychain = false;
        let (other, said) = access_token(&off, true).unwrap();
        assert!(said && other != text, "a person who wants no keychain has a file");
        std::fs::remove_file(file(&off)).unwrap();

        // it refuses now: a new one, in a file, said aloud
        keychain.answer_with(Some(SecretsError::Refused("locked".to_owned())));
        off.config.keychain = true;
        let (new, said) = access_token(&off, true).unwrap();
        assert!(said && new != text && file(&off).is_file());
        keychain.answer_with(None);
        assert_eq!(access_token(&off, true).unwrap(), (new, false), "the one that was used last goes on");
        assert!(!file(&off).exists());
    }

    /// Nobody else may work on a workspace meanwhile, so the first is closed before.
    fn workspace_again(ws: Workspace, top: &Path, secrets: Arc<SimulatedSecrets>) -> Workspace {
        drop(ws);
        workspace(top, secrets)
    }
}
