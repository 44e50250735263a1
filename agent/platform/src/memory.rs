//! How the system's allocator behaves in this process. The GNU allocator gives every thread a heap of its own and
//! keeps large freed blocks for later; a sync, which takes and frees much from several threads, then holds twice
//! what it uses. Other systems' allocators are left as they are.

/// Keep the memory this process holds close to what it uses. Call it once, before there are threads.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
pub fn keep_small() {
    // From malloc.h.
    const M_TRIM_THRESHOLD: i32 = -1;
    const M_MMAP_THRESHOLD: i32 = -3;
    const M_ARENA_MAX: i32 = -8;
    const MIB: i32 = 1024 * 1024;
    unsafe extern "C" {
        fn mallopt(parameter: i32, value: i32) -> i32;
    }
    // One heap for all threads: they wait for the disk more than for each other. A pack or a batch being
    // collected gets pages of its own, which go back when it is done.
    for (parameter, value) in [(M_ARENA_MAX, 1), (M_MMAP_THRESHOLD, MIB), (M_TRIM_THRESHOLD, 4 * MIB)] {
        // SAFETY: mallopt takes two numbers and keeps neither a pointer nor a promise of ours; a parameter or
        // value it does not know changes nothing.
        unsafe { mallopt(parameter, value) };
    }
}

/// Keep the memory this process holds close to what it uses: nothing to do here.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_small() {}
