//! Passes the versions of the codecs to the crate in the variable `XACCEL_CODECS`, as
//! `name=version` pairs that are separated by commas.

use std::error::Error;
use std::fs;
use std::path::Path;

/// The codecs that are Rust crates. Their versions come from the lock file.
const CRATES: [&str; 6] = ["png", "gif", "image", "tiff", "jxl", "resvg"];

fn main() -> Result<(), Box<dyn Error>> {
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    println!("cargo::rerun-if-changed={}", lock.display());
    println!("cargo::rerun-if-changed=build.rs");
    let lock = fs::read_to_string(lock)?;
    let mut codecs = vec![format!("libjpeg-turbo={}", libjpeg_turbo()?)];
    for name in CRATES {
        let version = locked(&lock, name).ok_or(format!("Cargo.lock has no version of {name}"))?;
        codecs.push(format!("{name}={version}"));
    }
    println!("cargo::rustc-env=XACCEL_CODECS={}", codecs.join(","));
    Ok(())
}

/// The version of a crate in the lock file.
fn locked<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let name = format!("name = \"{name}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

/// The version of the linked libjpeg-turbo, from its headers.
fn libjpeg_turbo() -> Result<String, Box<dyn Error>> {
    // `turbojpeg-sys` sets this variable to a list of directories, separated by commas.
    let directories = std::env::var("DEP_TURBOJPEG_INCLUDE")?;
    println!("cargo::rerun-if-env-changed=DEP_TURBOJPEG_INCLUDE");
    let config = directories
        .split(',')
        .map(|directory| Path::new(directory).join("jconfig.h"))
        .find_map(|path| fs::read_to_string(path).ok());
    let config = config.ok_or(format!("there is no jconfig.h in {directories}"))?;
    let version = config
        .lines()
        .find_map(|line| line.strip_prefix("#define LIBJPEG_TURBO_VERSION "))
        .ok_or("jconfig.h has no LIBJPEG_TURBO_VERSION")?;
    Ok(version.trim().to_owned())
}
