//! A tree of so many versions, written straight to the disk: the layout is a contract, so this is a store.

use std::{fs, path::Path};

/// Versions of an ordinary module.
const OF_A_MODULE: usize = 100;

/// The module that has a tenth of all versions.
pub(crate) const WIDE: &str = "bench.test/wide";

/// The modules of a tree of so many versions, with how many each has.
pub(crate) fn modules(versions: usize) -> Vec<(String, usize)> {
    let wide = versions / 10;
    let ordinary = (versions - wide).div_ceil(OF_A_MODULE);
    let mut left = versions - wide;
    let mut modules = vec![(WIDE.to_owned(), wide)];
    for number in 0..ordinary {
        modules.push((
            format!("bench.test/owner{:02}/m{number}", number % 50),
            left.min(OF_A_MODULE),
        ));
        left = left.saturating_sub(OF_A_MODULE);
    }
    modules
}

/// Writes the `.info` and `.mod` of every version. Zips are left out: no list asks for one.
pub(crate) fn write(folder: &Path, versions: usize) {
    for (path, count) in modules(versions) {
        let place = folder.join(&path).join("@v");
        fs::create_dir_all(&place).expect("a folder can be made");
        for number in 0..count {
            let version = format!("v1.{number}.0");
            let info = format!(r#"{{"Version":"{version}","Time":"2026-01-01T00:00:00Z"}}"#);
            fs::write(place.join(format!("{version}.info")), info).expect("a file can be written");
            fs::write(place.join(format!("{version}.mod")), format!("module {path}\n"))
                .expect("a file can be written");
        }
    }
}
