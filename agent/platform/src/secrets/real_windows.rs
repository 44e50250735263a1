//! Windows' Credential Manager: a generic credential of this person, kept on this computer and not carried to others.

use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{ERROR_NO_SUCH_LOGON_SESSION, ERROR_NOT_FOUND, FILETIME};
use windows_sys::Win32::Security::Credentials::{
    CRED_PERSIST_LOCAL_MACHINE, CRED_TYPE_GENERIC, CREDENTIALW, CredFree, CredReadW, CredWriteW,
};

use super::{SERVICE, SecretsError};

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain(Some(0)).collect()
}

fn target(name: &str) -> Vec<u16> {
    wide(&format!("{SERVICE}: {name}"))
}

fn told() -> SecretsError {
    let error = io::Error::last_os_error();
    match error.raw_os_error().and_then(|code| u32::try_from(code).ok()) {
        Some(ERROR_NO_SUCH_LOGON_SESSION) => SecretsError::Absent,
        _ => SecretsError::Refused(error.to_string()),
    }
}

#[allow(unsafe_code)]
pub(super) fn get(name: &str) -> Result<Option<String>, SecretsError> {
    let target = target(name);
    let mut found: *mut CREDENTIALW = null_mut();
    // SAFETY: the name ends with a zero; on success `found` points to a credential that is ours until `CredFree`, and
    // its blob has the size it says.
    let bytes = unsafe {
        if CredReadW(target.as_ptr(), CRED_TYPE_GENERIC, 0, &mut found) == 0 {
            let absent = io::Error::last_os_error().raw_os_error() == i32::try_from(ERROR_NOT_FOUND).ok();
            return if absent { Ok(None) } else { Err(told()) };
        }
        let size = (*found).CredentialBlobSize as usize;
        let blob = (*found).CredentialBlob;
        let bytes = if blob.is_null() { Vec::new() } else { std::slice::from_raw_parts(blob, size).to_vec() };
        CredFree(found.cast());
        bytes
    };
    String::from_utf8(bytes).map(Some).map_err(|_| SecretsError::Refused("no text".to_owned()))
}

#[allow(unsafe_code)]
pub(super) fn set(name: &str, secret: &str) -> Result<(), SecretsError> {
    let (mut target, mut user) = (target(name), wide(SERVICE));
    let mut bytes = secret.as_bytes().to_vec();
    let credential = CREDENTIALW {
        Flags: 0,
        Type: CRED_TYPE_GENERIC,
        TargetName: target.as_mut_ptr(),
        Comment: null_mut(),
        LastWritten: FILETIME { dwLowDateTime: 0, dwHighDateTime: 0 },
        CredentialBlobSize: u32::try_from(bytes.len())
            .map_err(|_| SecretsError::Refused("too long".to_owned()))?,
        CredentialBlob: bytes.as_mut_ptr(),
        Persist: CRED_PERSIST_LOCAL_MACHINE,
        AttributeCount: 0,
        Attributes: null::<()>().cast_mut().cast(),
        TargetAlias: null_mut(),
        UserName: user.as_mut_ptr(),
    };
    // SAFETY: all it points to lives until the call ends, and texts end with a zero.
    if unsafe { CredWriteW(&credential, 0) } == 0 { Err(told()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_kept_and_read_back() {
        let name = format!("a test {}", std::process::id());
        assert_eq!(get(&name), Ok(None));
        set(&name, "s3cr3t ü").unwrap();
        set(&name, "another").unwrap();
        assert_eq!(get(&name), Ok(Some("another".to_owned())));
    }
}
