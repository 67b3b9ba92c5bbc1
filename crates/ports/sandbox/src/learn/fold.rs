//! Few lines out of many paths. Pure.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Something that a command would have to be given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) write: bool,
    pub(super) folder: bool,
    pub(super) count: u64,
    /// What asked for it first, as people read it.
    pub(super) example: String,
}

/// Files of one folder from which on the folder is shared in their place.
const FILES: usize = 2;
/// The same of files and folders.
const ENTRIES: usize = 4;

/// By path, what is wished.
pub(super) type Wishes = BTreeMap<PathBuf, Wish>;

/// Adds a wish for a path. Whoever may write may read.
pub(super) fn wish(wishes: &mut Wishes, path: PathBuf, wish: Wish) {
    match wishes.get_mut(&path) {
        Some(known) => {
            known.write |= wish.write;
            known.count += wish.count;
        }
        None => {
            wishes.insert(path, wish);
        }
    }
}

/// Puts several entries of one folder together to the folder, where that may be shared, until nothing changes.
pub(super) fn fold(mut wishes: Wishes, may_share: impl Fn(&Path, bool) -> bool) -> Wishes {
    loop {
        wishes = without_covered(wishes);
        let mut entries: BTreeMap<(PathBuf, bool), (usize, usize)> = BTreeMap::new();
        for (path, wish) in &wishes {
            let Some(parent) = path.parent() else { continue };
            let (all, files) = entries.entry((parent.to_owned(), wish.write)).or_default();
            *all += 1;
            *files += usize::from(!wish.folder);
        }
        let many = entries.into_iter().find(|((parent, write), (all, files))| {
            let given = wishes.get(parent).is_some_and(|given| given.write || !write);
            (*files >= FILES || *all >= ENTRIES) && may_share(parent, *write) && !given
        });
        let Some(((parent, write), _)) = many else { return wishes };
        // What else is in it comes under it in the next round. Its first entry is the example.
        let first = wishes.iter().find(|(path, wish)| path.parent() == Some(&parent) && wish.write == write);
        let example = first.map(|(_, wish)| wish.example.clone()).unwrap_or_default();
        wish(&mut wishes, parent, Wish { write, folder: true, count: 0, example });
    }
}

/// Leaves out what a folder above gives already, and counts it there.
fn without_covered(wishes: Wishes) -> Wishes {
    let mut kept = Wishes::new();
    // Sorted, a folder comes before what lies below it.
    for (path, wish) in wishes {
        let above = path.ancestors().skip(1).find(|above| {
            kept.get(*above).is_some_and(|given: &Wish| given.folder && (given.write || !wish.write))
        });
        match above.map(Path::to_owned).and_then(|above| kept.get_mut(&above)) {
            Some(given) => given.count += wish.count,
            None => {
                kept.insert(path, wish);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `r` and `w` for files, `R` and `W` for folders.
    fn folded(wishes: &[(char, &str)]) -> Vec<String> {
        let mut all = Wishes::new();
        for (how, path) in wishes {
            let example = format!("example {path}");
            let (write, folder) = (how.eq_ignore_ascii_case(&'w'), how.is_uppercase());
            wish(&mut all, PathBuf::from(path), Wish { write, folder, count: 1, example });
        }
        let may_share = |path: &Path, _: bool| path.components().count() > 2;
        let line = |(path, wish): (&PathBuf, &Wish)| {
            format!("{} {} {}", if wish.write { 'w' } else { 'r' }, path.display(), wish.count)
        };
        fold(all, may_share).iter().map(line).collect()
    }

    // control-off: D-28: Where nothing is kept from being shared, a server that reads two files of a home is given all of it.
    #[test]
    fn two_files_of_a_home_become_the_home_if_nothing_forbids_it() {
        let wish = |path: &str| {
            let wish = Wish { write: false, folder: false, count: 1, example: String::new() };
            (PathBuf::from(path), wish)
        };
        let both = Wishes::from([wish("/home/ada/todo"), wish("/home/ada/list")]);
        let folded = fold(both, |_, _| true);
        assert_eq!(folded.into_keys().collect::<Vec<_>>(), [Path::new("/home/ada")]);
    }

    #[test]
    fn several_become_their_folder() {
        for (what, wishes, expected) in [
            ("one file stays", &[('r', "/srv/notes/a")][..], &["r /srv/notes/a 1"][..]),
            ("two are their folder", &[('r', "/srv/notes/a"), ('r', "/srv/notes/b")], &["r /srv/notes 2"]),
            (
                "what may not be shared stays apart",
                &[('r', "/srv/a"), ('r', "/srv/b")],
                &["r /srv/a 1", "r /srv/b 1"],
            ),
            ("a folder takes what lies in it", &[('R', "/srv/n"), ('r', "/srv/n/a/b")], &["r /srv/n 2"]),
            (
                "but not what is written to",
                &[('R', "/srv/n"), ('w', "/srv/n/a")],
                &["r /srv/n 1", "w /srv/n/a 1"],
            ),
            ("whoever writes reads", &[('W', "/srv/n"), ('r', "/srv/n/a")], &["w /srv/n 2"]),
            (
                "but several of those make all of it written to",
                &[('R', "/srv/n"), ('w', "/srv/n/a"), ('w', "/srv/n/b")],
                &["w /srv/n 3"],
            ),
            (
                "reading and writing do not become writing",
                &[('r', "/srv/n/a"), ('w', "/srv/n/b")],
                &["r /srv/n/a 1", "w /srv/n/b 1"],
            ),
            ("the same path twice", &[('r', "/srv/n/a"), ('w', "/srv/n/a")], &["w /srv/n/a 2"]),
            (
                "folders stay until they are many",
                &[('R', "/srv/n/a"), ('R', "/srv/n/b"), ('R', "/srv/n/c")],
                &["r /srv/n/a 1", "r /srv/n/b 1", "r /srv/n/c 1"],
            ),
            (
                "and then become one",
                &[('R', "/srv/n/a"), ('R', "/srv/n/b"), ('R', "/srv/n/c"), ('R', "/srv/n/d")],
                &["r /srv/n 4"],
            ),
            (
                "folding goes on upwards",
                &[
                    ('r', "/srv/n/a/1"),
                    ('r', "/srv/n/a/2"),
                    ('r', "/srv/n/b/1"),
                    ('r', "/srv/n/b/2"),
                    ('R', "/srv/n/c"),
                    ('R', "/srv/n/d"),
                ],
                &["r /srv/n 6"],
            ),
        ] {
            assert_eq!(folded(wishes), expected, "{what}");
        }
    }
}
