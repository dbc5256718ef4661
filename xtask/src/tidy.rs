//! What is true of the tree as a whole, and no compiler checks: `cargo xtask tidy`.

mod arrows;
mod book;
mod links;
mod sources;
mod words;

pub(crate) use links::joined;

use crate::{Failure, tree};

/// Prints what is wrong with the tree.
pub(crate) fn run() -> Result<(), Failure> {
    let complaints = check()?;
    for complaint in &complaints {
        println!("{complaint}");
    }
    match complaints.len() {
        0 => Ok(()),
        count => Err(format!("tidy found {count} thing(s)")),
    }
}

/// One sentence for each thing that is wrong, with where it is.
fn check() -> Result<Vec<String>, Failure> {
    let files = tree::files()?;
    let mut complaints = arrows::check()?;
    complaints.extend(sources::check(&files));
    complaints.extend(words::check(&files));
    complaints.extend(links::check(&files));
    complaints.extend(book::check(&files));
    Ok(complaints)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_tree_is_tidy() {
        let complaints = super::check().unwrap();
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }
}
