//! seccomp: allows only the system calls that decoding needs.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use libc::c_long;
use rustix::thread::secure_computing_mode;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
};

use crate::error::SandboxError;

const NAME: &str = "seccomp";

type Rules = BTreeMap<c_long, Vec<SeccompRule>>;

/// Calls that are always allowed: memory, threads, time, and work on open descriptors.
#[rustfmt::skip]
const ALLOWED: &[c_long] = &[
    libc::SYS_brk, libc::SYS_madvise, libc::SYS_mmap, libc::SYS_mprotect, libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_close, libc::SYS_dup, libc::SYS_dup3, libc::SYS_fstat, libc::SYS_lseek,
    libc::SYS_pread64, libc::SYS_preadv, libc::SYS_preadv2, libc::SYS_read, libc::SYS_readv, libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_ppoll, libc::SYS_recvfrom, libc::SYS_recvmsg, libc::SYS_sendmsg, libc::SYS_sendto,
    libc::SYS_futex, libc::SYS_membarrier, libc::SYS_rseq, libc::SYS_sched_getaffinity,
    libc::SYS_sched_get_priority_max, libc::SYS_sched_get_priority_min,
    libc::SYS_sched_getparam, libc::SYS_sched_getscheduler, libc::SYS_sched_yield,
    libc::SYS_set_robust_list, libc::SYS_set_tid_address, libc::SYS_getcpu,
    libc::SYS_clock_getres, libc::SYS_clock_gettime, libc::SYS_clock_nanosleep,
    libc::SYS_gettimeofday, libc::SYS_nanosleep,
    libc::SYS_getpid, libc::SYS_gettid, libc::SYS_getrandom, libc::SYS_getrusage,
    libc::SYS_sysinfo, libc::SYS_uname,
    libc::SYS_rt_sigaction, libc::SYS_rt_sigprocmask, libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall, libc::SYS_sigaltstack,
    libc::SYS_exit, libc::SYS_exit_group,
];

/// Calls that libraries make but do not need. They fail as if the file could not be accessed. All
/// other calls that are not allowed end the process.
#[rustfmt::skip]
const FAILING: &[c_long] = &[
    libc::SYS_faccessat, libc::SYS_faccessat2, libc::SYS_fstatfs, libc::SYS_getcwd,
    libc::SYS_getdents64, libc::SYS_ioctl, libc::SYS_openat, libc::SYS_openat2,
    libc::SYS_readlinkat, libc::SYS_statfs,
];

/// Calls that exist only on `x86_64`. Their newer names are listed above.
#[cfg(target_arch = "x86_64")]
const ALLOWED_OLD: &[c_long] = &[libc::SYS_dup2, libc::SYS_poll, libc::SYS_time];
#[cfg(target_arch = "x86_64")]
const FAILING_OLD: &[c_long] =
    &[libc::SYS_access, libc::SYS_lstat, libc::SYS_open, libc::SYS_readlink, libc::SYS_stat];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_OLD: &[c_long] = &[];
#[cfg(not(target_arch = "x86_64"))]
const FAILING_OLD: &[c_long] = &[];

/// `PR_SET_VMA`, which allocators use to name their memory.
const PR_SET_VMA: u64 = 0x5356_4d41;

pub(super) fn is_available() -> bool {
    TargetArch::try_from(ARCH).is_ok() && secure_computing_mode().is_ok()
}

pub(super) fn restrict() -> Result<(), SandboxError> {
    let programs = programs().map_err(|error| SandboxError::Refused(NAME, error.to_string()))?;
    for program in programs {
        apply_filter_all_threads(&program)
            .map_err(|error| SandboxError::Refused(NAME, error.to_string()))?;
    }
    Ok(())
}

/// The filters, in the order in which they are installed. For each call, the strictest filter
/// decides.
fn programs() -> Result<[BpfProgram; 3], BackendError> {
    Ok([
        // `clone3` receives its flags in memory, where a filter can't see them. If it is missing,
        // the C library uses `clone`.
        compiled(always(&[libc::SYS_clone3]), errno(libc::ENOSYS), SeccompAction::Allow)?,
        compiled(failing()?, errno(libc::EACCES), SeccompAction::Allow)?,
        compiled(allowed()?, SeccompAction::Allow, SeccompAction::KillProcess)?,
    ])
}

fn compiled(
    rules: Rules,
    matching: SeccompAction,
    others: SeccompAction,
) -> Result<BpfProgram, BackendError> {
    SeccompFilter::new(rules, others, matching, TargetArch::try_from(ARCH)?)?.try_into()
}

fn failing() -> Result<Rules, BackendError> {
    let mut rules = always(FAILING);
    rules.extend(always(FAILING_OLD));
    // Without the flag, these calls access a path. With it, they access a descriptor.
    let flag = u64::from(libc::AT_EMPTY_PATH.unsigned_abs());
    rules.insert(libc::SYS_newfstatat, vec![rule(vec![without(3, flag)?])?]);
    rules.insert(libc::SYS_statx, vec![rule(vec![without(2, flag)?])?]);
    Ok(rules)
}

fn allowed() -> Result<Rules, BackendError> {
    let mut rules = always(ALLOWED);
    rules.extend(always(ALLOWED_OLD));
    rules.extend(always(FAILING));
    rules.extend(always(FAILING_OLD));
    rules.extend(always(&[libc::SYS_clone3, libc::SYS_newfstatat, libc::SYS_statx]));
    let is_any = |argument, values: &[u64]| {
        values.iter().map(|value| rule(vec![equal(argument, *value)?])).collect::<Result<_, _>>()
    };
    let thread = u64::from(libc::CLONE_THREAD.unsigned_abs());
    let masked = SeccompCmpOp::MaskedEq(thread);
    let is_thread = SeccompCondition::new(0, SeccompCmpArgLen::Qword, masked, thread)?;
    rules.insert(libc::SYS_clone, vec![rule(vec![is_thread])?]);
    #[rustfmt::skip]
    let commands = [
        libc::F_DUPFD, libc::F_DUPFD_CLOEXEC, libc::F_GETFD, libc::F_SETFD, libc::F_GETFL,
        libc::F_SETFL,
    ];
    rules.insert(
        libc::SYS_fcntl,
        is_any(1, &commands.map(|command| command.unsigned_abs().into()))?,
    );
    let name = u64::from(libc::PR_SET_NAME.unsigned_abs());
    rules.insert(libc::SYS_prctl, is_any(0, &[name, PR_SET_VMA])?);
    // Limits may be read. Only the limit on processor time may be set, because the worker sets it
    // before each job.
    let reads = rule(vec![equal(2, 0)?])?;
    let sets = rule(vec![equal(0, 0)?, equal(1, u64::from(libc::RLIMIT_CPU))?])?;
    rules.insert(libc::SYS_prlimit64, vec![reads, sets]);
    // `abort()` sends a signal to its own process.
    rules.insert(libc::SYS_tgkill, is_any(0, &[std::process::id().into()])?);
    Ok(rules)
}

fn always(calls: &[c_long]) -> Rules {
    calls.iter().map(|call| (*call, Vec::new())).collect()
}

fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions)
}

fn equal(argument: u8, value: u64) -> Result<SeccompCondition, BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, value)
}

/// A condition on an argument that consists of flags: this flag is not set.
fn without(argument: u8, flag: u64) -> Result<SeccompCondition, BackendError> {
    let masked = SeccompCmpOp::MaskedEq(flag);
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, masked, 0)
}

fn errno(number: i32) -> SeccompAction {
    SeccompAction::Errno(number.unsigned_abs())
}
