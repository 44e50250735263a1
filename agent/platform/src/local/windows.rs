//! A named pipe that only our own account may open. Its name can be taken by anybody who is first, so the agent makes it
//! only where it is the first, and whoever connects looks whose it is: the owner of a pipe cannot be made up. (Written
//! from Microsoft's documentation of named pipes and of security descriptors.)

use std::ffi::c_void;
use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::pin::Pin;
use std::ptr::null_mut;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions};
use windows_sys::Win32::Foundation::{ERROR_PIPE_BUSY, LocalFree};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW, GetSecurityInfo,
    SDDL_REVISION_1, SE_KERNEL_OBJECT,
};
use windows_sys::Win32::Security::{
    EqualSid, GetTokenInformation, OWNER_SECURITY_INFORMATION, PSID, SECURITY_ATTRIBUTES, TOKEN_QUERY,
    TOKEN_USER, TokenUser,
};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

/// How long until a busy pipe is tried again.
const AGAIN: Duration = Duration::from_millis(20);

/// One end of a connection.
#[derive(Debug)]
pub enum Stream {
    /// Of the agent.
    Server(NamedPipeServer),
    /// Of who connects.
    Client(NamedPipeClient),
}

/// Listens for a state root.
#[derive(Debug)]
pub struct Listener {
    name: String,
    /// The instance the next one connects to.
    next: NamedPipeServer,
}

fn pipe(home: &Path) -> String {
    format!(r"\\.\pipe\{}", super::name(home))
}

impl Listener {
    /// Listen for this state root. Needs a tokio runtime.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::PermissionDenied`] where somebody else has the name.
    pub fn bind(home: &Path) -> io::Result<Self> {
        let name = pipe(home);
        let next = instance(&name, true)?;
        Ok(Listener { name, next })
    }

    /// The next one who connects. Another account cannot.
    ///
    /// # Errors
    /// What the system says; the next one may be well.
    pub async fn accept(&mut self) -> io::Result<Stream> {
        self.next.connect().await?;
        // made before this one is handed on: there is always one to connect to
        let next = instance(&self.name, false)?;
        Ok(Stream::Server(std::mem::replace(&mut self.next, next)))
    }
}

/// Connect to who listens for this state root; a busy pipe is waited for. Needs a tokio runtime.
///
/// # Errors
/// [`io::ErrorKind::NotFound`]: nobody does. [`io::ErrorKind::PermissionDenied`]: it is another account's. Else what the
/// system says.
pub async fn connect(home: &Path) -> io::Result<Stream> {
    let name = pipe(home);
    let busy = i32::try_from(ERROR_PIPE_BUSY).ok();
    let pipe = loop {
        match ClientOptions::new().open(&name) {
            Err(error) if error.raw_os_error() == busy => tokio::time::sleep(AGAIN).await,
            opened => break opened?,
        }
    };
    if !is_ours(&pipe)? {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is another account's"));
    }
    Ok(Stream::Client(pipe))
}

/// Memory the system gave, given back.
struct Given(*mut c_void);

impl Drop for Given {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: the functions that fill it say that it is freed so, and nobody else does.
        unsafe { LocalFree(self.0) };
    }
}

/// The account of this process: a `TOKEN_USER` with what it points to behind it.
struct Account(Vec<u64>);

impl Account {
    #[allow(unsafe_code)]
    fn of_us() -> io::Result<Self> {
        let mut token = null_mut();
        // SAFETY: the pseudo handle of this process is always good, and `token` is there to fill; a token that was
        // opened is ours to close, which `OwnedHandle` does.
        let token = unsafe {
            if OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &mut token) == 0 {
                return Err(io::Error::last_os_error());
            }
            OwnedHandle::from_raw_handle(token)
        };
        // 68 bytes is the longest SID; aligned for the pointer in front of it
        let mut room = vec![0u64; 32];
        let bytes = u32::try_from(room.len() * size_of::<u64>()).unwrap_or_default();
        let mut length = 0;
        let into = room.as_mut_ptr().cast();
        // SAFETY: the token is open, and `into` has room for so many bytes.
        let told = unsafe { GetTokenInformation(token.as_raw_handle(), TokenUser, into, bytes, &mut length) };
        if told == 0 { Err(io::Error::last_os_error()) } else { Ok(Account(room)) }
    }

    /// Lives as long as `self`.
    #[allow(unsafe_code)]
    fn sid(&self) -> PSID {
        // SAFETY: the system has put a `TOKEN_USER` at the beginning of memory that is aligned for it.
        unsafe { (*self.0.as_ptr().cast::<TOKEN_USER>()).User.Sid }
    }

    /// As it is written: `S-1-5-21-…`.
    #[allow(unsafe_code)]
    fn text(&self) -> io::Result<String> {
        let mut text = null_mut();
        // SAFETY: the SID is a good one, and `text` is there to fill.
        if unsafe { ConvertSidToStringSidW(self.sid(), &mut text) } == 0 {
            return Err(io::Error::last_os_error());
        }
        let given = Given(text.cast());
        // SAFETY: what was given is text that ends with a zero.
        let units = unsafe {
            let length = (0..).take_while(|at| *text.add(*at) != 0).count();
            std::slice::from_raw_parts(text, length).to_vec()
        };
        drop(given);
        Ok(String::from_utf16_lossy(&units))
    }
}

/// One more place to connect to. Ours, and nobody else may open it.
#[allow(unsafe_code)]
fn instance(name: &str, first: bool) -> io::Result<NamedPipeServer> {
    let sid = Account::of_us()?.text()?;
    let words: Vec<u16> = format!("O:{sid}D:P(A;;GA;;;{sid})").encode_utf16().chain([0]).collect();
    let mut descriptor = null_mut();
    // SAFETY: `words` ends with a zero, `descriptor` is there to fill, and its size need not be told.
    let read = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            words.as_ptr(),
            SDDL_REVISION_1,
            &mut descriptor,
            null_mut(),
        )
    };
    if read == 0 {
        return Err(io::Error::last_os_error());
    }
    let given = Given(descriptor);
    let mut attributes = SECURITY_ATTRIBUTES {
        nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
        lpSecurityDescriptor: given.0,
        bInheritHandle: 0,
    };
    let mut options = ServerOptions::new();
    options.first_pipe_instance(first).reject_remote_clients(true);
    // SAFETY: the attributes and the descriptor in them live until the pipe is made.
    unsafe { options.create_with_security_attributes_raw(name, (&raw mut attributes).cast()) }
}

/// Whether its owner is our account.
#[allow(unsafe_code)]
fn is_ours(pipe: &NamedPipeClient) -> io::Result<bool> {
    let (mut owner, mut descriptor) = (null_mut(), null_mut());
    // SAFETY: the handle is open; owner and descriptor are there to fill, and nothing else is asked for.
    let error = unsafe {
        GetSecurityInfo(
            pipe.as_raw_handle(),
            SE_KERNEL_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &mut owner,
            null_mut(),
            null_mut(),
            null_mut(),
            &mut descriptor,
        )
    };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error.cast_signed()));
    }
    let _given = Given(descriptor);
    let us = Account::of_us()?;
    // SAFETY: the owner lies in the descriptor, which still lives; a null owner is never equal.
    Ok(!owner.is_null() && unsafe { EqualSid(owner, us.sid()) } != 0)
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = match self.get_mut() {
            Stream::Server(pipe) => Pin::new(pipe).poll_read(cx, into),
            Stream::Client(pipe) => Pin::new(pipe).poll_read(cx, into),
        };
        match read {
            // the other end has been closed: how a pipe tells its end
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::BrokenPipe => Poll::Ready(Ok(())),
            read => read,
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Server(pipe) => Pin::new(pipe).poll_write(cx, from),
            Stream::Client(pipe) => Pin::new(pipe).poll_write(cx, from),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Server(pipe) => Pin::new(pipe).poll_flush(cx),
            Stream::Client(pipe) => Pin::new(pipe).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Server(pipe) => Pin::new(pipe).poll_shutdown(cx),
            Stream::Client(pipe) => Pin::new(pipe).poll_shutdown(cx),
        }
    }
}
