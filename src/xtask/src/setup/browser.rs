//! Chromium, for the tests and for the demo without a person.

use std::path::PathBuf;

use crate::paths;

/// The browser to drive: `CHROME` where it is set, else the first of the usual ones.
pub fn chromium() -> Option<PathBuf> {
    if let Some(chosen) = std::env::var_os("CHROME").map(PathBuf::from).filter(|file| file.is_file()) {
        return Some(chosen);
    }
    paths::find_program(&["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"]).or_else(|| {
        let applications = [
            "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
            "/Applications/Chromium.app/Contents/MacOS/Chromium",
        ];
        applications.iter().map(PathBuf::from).find(|file| file.is_file())
    })
}
