//! The fonts for text in SVG files.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use resvg::usvg::fontdb::{Database, Family, Query, Source};
use sha2::{Digest, Sha256};

/// The fonts for text in SVG images: those of the system, or those in files and directories.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Fonts(Option<Arc<[PathBuf]>>);

/// The loaded fonts, which stay in memory.
static LOADED: Mutex<Option<HashMap<Fonts, Arc<Database>>>> = Mutex::new(None);

impl Fonts {
    /// The fonts of the system.
    pub const SYSTEM: Self = Self(None);

    /// The fonts in these files, and in these directories and their subdirectories.
    #[must_use]
    pub fn of(paths: Vec<PathBuf>) -> Self {
        Self(Some(paths.into()))
    }

    /// Loads the fonts, and keeps the contents of their files in memory, because the process is
    /// about to lose its access to files. If the fonts are already loaded, this function does
    /// nothing.
    #[cfg(feature = "python")]
    pub fn preload(&self) {
        self.loaded(crate::ffi::fonts::map);
    }

    /// The number of fonts, and a short fingerprint of their names and sizes. Machines with the
    /// same fingerprint draw text in the same way.
    #[must_use]
    pub fn fingerprint(&self) -> (usize, String) {
        let fonts = self.database();
        let mut faces: Vec<_> = fonts
            .faces()
            .map(|face| {
                let bytes = match &face.source {
                    Source::File(path) | Source::SharedFile(path, _) => {
                        path.metadata().map_or(0, |file| file.len())
                    }
                    Source::Binary(data) => data.as_ref().as_ref().len() as u64,
                };
                format!("{} {} {bytes}\n", face.post_script_name, face.index)
            })
            .collect();
        faces.sort();
        let digest = Sha256::digest(faces.concat());
        let text = digest
            .first_chunk()
            .map_or_else(String::new, |bytes| format!("{:08x}", u32::from_be_bytes(*bytes)));
        (faces.len(), text)
    }

    /// The fonts. They are loaded for the first image with text.
    pub(super) fn database(&self) -> Arc<Database> {
        self.loaded(|_| {})
    }

    fn loaded(&self, prepare: impl FnOnce(&mut Database)) -> Arc<Database> {
        // Other threads wait, since loading takes a while.
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let fonts = match loaded.get_or_insert_default().entry(self.clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let mut fonts = self.load();
                prepare(&mut fonts);
                entry.insert(Arc::new(fonts))
            }
        };
        Arc::clone(fonts)
    }

    fn load(&self) -> Database {
        let mut fonts = Database::new();
        match &self.0 {
            None => fonts.load_system_fonts(),
            Some(paths) => {
                for path in paths.iter() {
                    if path.is_dir() {
                        fonts.load_fonts_dir(path);
                    } else {
                        // A file that does not contain a font is ignored, as in a directory.
                        let _ = fonts.load_font_file(path);
                    }
                }
            }
        }
        with_generic_families(fonts)
    }
}

/// Common fonts for CSS's generic families, in the order of preference.
const SERIF: [&str; 4] = ["Times New Roman", "Liberation Serif", "DejaVu Serif", "Noto Serif"];
const SANS_SERIF: [&str; 5] = ["Arial", "Liberation Sans", "DejaVu Sans", "Noto Sans", "Helvetica"];
const MONOSPACE: [&str; 4] =
    ["Courier New", "Liberation Mono", "DejaVu Sans Mono", "Noto Sans Mono"];

/// Sets fonts for the generic families. One of them also replaces missing fonts.
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
