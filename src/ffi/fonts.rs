//! Fonts that stay in memory.

use resvg::usvg::fontdb::Database;

/// The maximum number of bytes of font files that are kept in the address space.
const MOST_BYTES: usize = 512 * 1024 * 1024;

/// Maps the font files of a database into memory, so that the process can draw text after it has
/// lost its access to files.
///
/// If a program shortens one of these files later, reading the font ends the process. Call this only
/// in processes that may end at any time, such as the sandbox's.
pub(crate) fn map(fonts: &mut Database) {
    let faces: Vec<_> = fonts.faces().map(|face| face.id).collect();
    let mut bytes = 0_usize;
    for face in faces {
        // SAFETY: packages replace font files and do not change them in place. If a file is changed
        // nevertheless, see above.
        let data = unsafe { fonts.make_shared_face_data(face) };
        let length = data.map_or(0, |(data, _)| data.as_ref().as_ref().len());
        bytes = bytes.saturating_add(length);
        if bytes > MOST_BYTES {
            return;
        }
    }
}
