//! Names of the commands in a directory of PATH, each a link to the program.

use std::path::Path;

use crate::bindings::BINDINGS;
use crate::signatures::find_cmdlet;

/// Makes a link for every command that exists and is not PowerShell's own. A file that is no link to the program
/// stays, and is named. Gives the number of links.
pub(crate) fn links(directory: &Path, program: &Path) -> Result<usize, String> {
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    std::fs::create_dir_all(directory).map_err(|error| failed(directory, error))?;
    let mut count = 0_usize;
    for binding in BINDINGS {
        let foreign =
            find_cmdlet(binding.cmdlet).is_none_or(|cmdlet| cmdlet.module.starts_with("Microsoft."));
        if foreign {
            continue;
        }
        let link = directory.join(binding.cmdlet);
        match std::fs::symlink_metadata(&link) {
            Ok(existing) if existing.is_symlink() => {
                std::fs::remove_file(&link).map_err(|error| failed(&link, error))?;
            }
            Ok(_) => return Err(format!("{} exists and is no link; move it away first", link.display())),
            Err(_) => {}
        }
        std::os::unix::fs::symlink(program, &link).map_err(|error| failed(&link, error))?;
        count = count.saturating_add(1);
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_made_and_renewed_and_files_are_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let bin = directory.path().join("bin");
        let count = links(&bin, Path::new("/usr/bin/sekisho")).unwrap();
        assert!(count > 30, "{count}");
        assert_eq!(links(&bin, Path::new("/usr/bin/sekisho")).unwrap(), count);
        let link = std::fs::read_link(bin.join("Set-AdfsProperties")).unwrap();
        assert_eq!(link, Path::new("/usr/bin/sekisho"));
        assert!(!bin.join("Get-ChildItem").exists());
        std::fs::remove_file(bin.join("Set-AdfsProperties")).unwrap();
        std::fs::write(bin.join("Set-AdfsProperties"), "mine").unwrap();
        assert!(links(&bin, Path::new("/x")).unwrap_err().contains("is no link"));
    }
}
