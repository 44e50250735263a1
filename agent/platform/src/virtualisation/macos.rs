//! macOS: the kernel says whether its Hypervisor framework works, and whether it is a guest itself (`sysctl(8)`:
//! `kern.hv_support`, `kern.hv_vmm_present`). No right is needed to use it.

use std::ffi::{CStr, c_char, c_int, c_void};

use super::{State, Virtualisation};

pub(super) fn look() -> Virtualisation {
    let state = match number(c"kern.hv_support") {
        Some(0) => State::NotOffered,
        Some(_) => State::Ready,
        None => State::Unknown,
    };
    let inside = number(c"kern.hv_vmm_present").map(|number| number != 0);
    Virtualisation { state, inside, hyper_v: Some(false) }
}

/// A number the kernel tells by name; none where it knows no such name.
#[allow(unsafe_code)]
fn number(name: &CStr) -> Option<c_int> {
    // From sys/sysctl.h.
    unsafe extern "C" {
        fn sysctlbyname(
            name: *const c_char,
            old: *mut c_void,
            old_len: *mut usize,
            new: *mut c_void,
            new_len: usize,
        ) -> c_int;
    }
    let mut value: c_int = 0;
    let mut len = size_of::<c_int>();
    // SAFETY: a name that ends in NUL, room for one number and its true size; nothing is set, which null says.
    let done = unsafe {
        sysctlbyname(name.as_ptr(), (&raw mut value).cast(), &raw mut len, std::ptr::null_mut(), 0)
    };
    (done == 0 && len == size_of::<c_int>()).then_some(value)
}
