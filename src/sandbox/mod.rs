//! The sandbox of a process that decodes images. It has several layers, which the Linux kernel
//! provides. Each layer works without the others.
//!
//! A layer applies until the process ends. On other systems, no layer is available.

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
pub mod connection;
#[cfg(target_os = "linux")]
mod files;
pub mod messages;
#[cfg(target_os = "linux")]
mod process;

use crate::error::SandboxError;

/// A layer of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layer {
    /// Landlock (Linux 5.13): the process can't open a file, connect to a TCP port (since Linux
    /// 6.7), or signal a process outside the sandbox (since Linux 6.12).
    Landlock,
    /// seccomp: the process can't make a system call that decoding does not need.
    Seccomp,
}

impl Layer {
    /// All layers, in the order in which they are entered.
    pub const ALL: [Self; 2] = [Self::Landlock, Self::Seccomp];

    /// The name of the layer.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
        }
    }

    /// The layer with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layer| layer.name() == name)
    }

    /// Whether the kernel supports the layer and lets this process use it.
    #[must_use]
    pub fn is_available(self) -> bool {
        #[cfg(target_os = "linux")]
        return match self {
            Self::Landlock => files::is_available(),
            Self::Seccomp => calls::is_available(),
        };
        #[cfg(not(target_os = "linux"))]
        false
    }

    /// Enters the layer. Landlock applies to the calling thread and the threads that it starts
    /// later; seccomp applies to all threads.
    ///
    /// # Errors
    /// The kernel does not support the layer, or does not let this process use it.
    pub fn enter(self) -> Result<(), SandboxError> {
        #[cfg(target_os = "linux")]
        return match self {
            Self::Landlock => files::restrict(),
            Self::Seccomp => calls::restrict(),
        };
        #[cfg(not(target_os = "linux"))]
        Err(SandboxError::Unavailable(self.name()))
    }
}

/// Prepares the process for the layers. Afterwards, the process can't gain privileges, other
/// processes of its user can't read its memory, and it ends with the thread that started it.
///
/// # Errors
/// The kernel refuses.
pub fn harden_process() -> Result<(), SandboxError> {
    #[cfg(target_os = "linux")]
    return process::harden();
    #[cfg(not(target_os = "linux"))]
    Err(SandboxError::Unavailable("the sandbox"))
}

/// Lets the kernel end this process once it uses more than this amount of CPU time from now on. The
/// limit is rounded up to whole seconds.
///
/// # Errors
/// The kernel refuses.
pub fn limit_processor_time(seconds: f64) -> Result<(), SandboxError> {
    #[cfg(target_os = "linux")]
    return process::limit_processor_time(seconds);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = seconds;
        Err(SandboxError::Unavailable("the sandbox"))
    }
}
