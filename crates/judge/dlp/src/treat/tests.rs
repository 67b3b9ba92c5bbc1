#![expect(clippy::string_slice, reason = "a cut in the wrong place is a failed test")]

use bytes::Bytes;
use doorward_types::{Secret, ServerName};
use doorward_wire::{Limits, Tree};
use proptest::prelude::*;

use super::*;
use crate::handling::{Row, What};
use crate::testing::Draw;

mod mails;
mod properties;
mod replacing;
mod returning;
mod torn;

thread_local! {
    static FINDER: Finder = Finder::new();
}

fn tree(text: &str) -> Tree {
    Tree::parse(Bytes::copy_from_slice(text.as_bytes()), &Limits::default()).unwrap()
}

fn vault() -> Vault {
    Vault::new(&Secret::new([7; 32]), 100)
}

/// What is asked in most tests: a result of a tool of the server `files`.
struct Case<'c> {
    tool: &'c str,
    schema: Option<&'c Tree>,
    server: &'c str,
    owner: &'c str,
    direction: Direction,
    handling: Handling,
}

impl Case<'_> {
    fn result(treatment: Treatment) -> Self {
        Self {
            tool: "read_file",
            schema: None,
            server: "files",
            owner: "anna",
            direction: Direction::Result,
            handling: Handling::new(vec![Row::new(What::Any, treatment)]),
        }
    }

    fn arguments(tool: &'static str, treatment: Treatment) -> Self {
        Self { tool, direction: Direction::Arguments, ..Self::result(treatment) }
    }

    fn treat(&self, tree: &Tree, vault: &Vault) -> Treated {
        let server = ServerName::parse(self.server).unwrap();
        let tool = Tool::new(self.tool, self.schema.map(Tree::root));
        let scope = Scope { server: &server, owner: self.owner };
        let facts = Facts { label: "internal", ..Facts::new(self.direction, tool, scope) };
        FINDER.with(|finder| treat(finder, tree.root(), &facts, &self.handling, vault))
    }

    /// The document after its treatment, numbers included.
    fn after(&self, text: &str, vault: &Vault) -> String {
        let tree = tree(text);
        let mut treated = self.treat(&tree, vault);
        assert!(!treated.blocked);
        for number in std::mem::take(&mut treated.numbers) {
            treated.edits.replace(number.span, number.text);
        }
        let after = treated.edits.apply(&tree).unwrap();
        assert!(Tree::parse(after.clone(), &Limits::default()).is_ok());
        String::from_utf8(after.to_vec()).unwrap()
    }
}
