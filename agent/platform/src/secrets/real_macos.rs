//! The login keychain of macOS. Over ssh it may be locked, and then it refuses instead of asking.

use security_framework::base::Error;
use security_framework::passwords::{get_generic_password, set_generic_password};

use super::{SERVICE, SecretsError};

/// `errSecItemNotFound`.
const NOT_FOUND: i32 = -25300;
/// `errSecNotAvailable` and `errSecNoDefaultKeychain`.
const NONE: [i32; 2] = [-25291, -25307];

pub(super) fn get(name: &str) -> Result<Option<String>, SecretsError> {
    match get_generic_password(SERVICE, name) {
        Ok(bytes) => {
            String::from_utf8(bytes).map(Some).map_err(|_| SecretsError::Refused("no text".to_owned()))
        }
        Err(error) if error.code() == NOT_FOUND => Ok(None),
        Err(error) => Err(told(error)),
    }
}

pub(super) fn set(name: &str, secret: &str) -> Result<(), SecretsError> {
    set_generic_password(SERVICE, name, secret.as_bytes()).map_err(told)
}

fn told(error: Error) -> SecretsError {
    if NONE.contains(&error.code()) { SecretsError::Absent } else { SecretsError::Refused(error.to_string()) }
}
