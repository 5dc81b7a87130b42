//! Landlock: restricts access to files and TCP ports, and the sending of signals.

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreated, RulesetError, Scope,
};

use crate::error::SandboxError;

const NAME: &str = "landlock";

/// The newest version whose rights are denied. An older kernel denies the rights that it knows.
const NEWEST: ABI = ABI::V6;

pub(super) fn is_available() -> bool {
    ruleset().is_ok()
}

/// Denies everything that Landlock can deny. Open descriptors keep working.
pub(super) fn restrict() -> Result<(), SandboxError> {
    let refused = |error: RulesetError| SandboxError::Refused(NAME, error.to_string());
    ruleset().map_err(refused)?.restrict_self().map_err(refused)?;
    Ok(())
}

fn ruleset() -> Result<RulesetCreated, RulesetError> {
    Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()
}
