//! The fonts of the machine, for text in SVG files.

use std::sync::{Arc, OnceLock};

use resvg::usvg::fontdb::{Database, Family, Query};

static FONTS: OnceLock<Arc<Database>> = OnceLock::new();

/// The system's fonts. They are loaded for the first image with text.
pub(super) fn database() -> Arc<Database> {
    Arc::clone(FONTS.get_or_init(|| Arc::new(load())))
}

/// Loads the system's fonts, and keeps the contents of their files in memory. This has no effect if
/// the fonts are loaded already.
#[cfg(feature = "python")]
pub(super) fn preload() {
    FONTS.get_or_init(|| {
        let mut fonts = load();
        crate::ffi::fonts::map(&mut fonts);
        Arc::new(fonts)
    });
}

fn load() -> Database {
    let mut fonts = Database::new();
    fonts.load_system_fonts();
    with_generic_families(fonts)
}

/// Common fonts for CSS's generic families, in the order of preference.
const SERIF: [&str; 4] = ["Times New Roman", "Liberation Serif", "DejaVu Serif", "Noto Serif"];
const SANS_SERIF: [&str; 5] = ["Arial", "Liberation Sans", "DejaVu Sans", "Noto Sans", "Helvetica"];
const MONOSPACE: [&str; 4] =
    ["Courier New", "Liberation Mono", "DejaVu Sans Mono", "Noto Sans Mono"];

/// Sets fonts for the generic families, one of which also replaces fonts that are missing.
fn with_generic_families(mut fonts: Database) -> Database {
    let any = fonts.faces().find_map(|face| Some(face.families.first()?.0.clone()));
    let Some(any) = any else { return fonts };
    let found = |names: &[&str]| {
        let is_installed = |name: &&str| {
            let families = [Family::Name(name)];
            fonts.query(&Query { families: &families, ..Query::default() }).is_some()
        };
        names.iter().copied().find(is_installed).map(str::to_owned)
    };
    let sans_serif = found(&SANS_SERIF).unwrap_or(any);
    let serif = found(&SERIF).unwrap_or_else(|| sans_serif.clone());
    let monospace = found(&MONOSPACE).unwrap_or_else(|| sans_serif.clone());
    fonts.set_cursive_family(serif.clone());
    fonts.set_fantasy_family(sans_serif.clone());
    fonts.set_serif_family(serif);
    fonts.set_sans_serif_family(sans_serif);
    fonts.set_monospace_family(monospace);
    fonts
}
