//! The documents, in memory, by name.

use std::collections::BTreeMap;

/// Names to texts; the first line of a text is its title.
#[derive(Debug)]
pub(crate) struct Library {
    documents: BTreeMap<String, String>,
}

impl Library {
    pub(crate) fn built_in() -> Self {
        let documents = BUILT_IN.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Self { documents: documents.collect() }
    }

    /// Names and titles, in the order of names.
    pub(crate) fn list(&self) -> impl Iterator<Item = (&str, &str)> {
        self.documents.iter().map(|(name, text)| (name.as_str(), title(text)))
    }

    pub(crate) fn read(&self, name: &str) -> Option<&str> {
        self.documents.get(name).map(String::as_str)
    }

    /// Names of the documents that hold `query`, and the first line that does; upper and lower case are one.
    pub(crate) fn search(&self, query: &str) -> Vec<(&str, &str)> {
        let query = query.to_lowercase();
        self.documents
            .iter()
            .filter_map(|(name, text)| {
                let line = text.lines().find(|line| line.to_lowercase().contains(&query))?;
                Some((name.as_str(), line))
            })
            .collect()
    }

    /// True if the document is new.
    pub(crate) fn write(&mut self, name: &str, text: &str) -> bool {
        self.documents.insert(name.to_owned(), text.to_owned()).is_none()
    }

    /// True if there was one.
    pub(crate) fn delete(&mut self, name: &str) -> bool {
        self.documents.remove(name).is_some()
    }
}

fn title(text: &str) -> &str {
    text.lines().next().unwrap_or_default().trim_start_matches('#').trim()
}

const BUILT_IN: [(&str, &str); 6] = [
    (
        "welcome.md",
        "# Welcome to the Elm Street garden\n\nForty beds, three apple trees, one stubborn hedgehog. Take what you sow, share what you \
         cannot eat,\nand close the gate behind you: the goats next door know the way.\n",
    ),
    (
        "planting-calendar.md",
        "# Planting calendar\n\nMarch: broad beans, spinach, radishes under fleece.\nApril: potatoes, onions, the first carrots.\n\
         May: beans and courgettes, once the ice saints have gone.\nSeptember: garlic, winter lettuce.\n",
    ),
    (
        "tool-shed.md",
        "# Tool shed\n\nSpades hang left, forks hang right, nothing hangs on the nail by the window (it is holding up the window).\n\
         Sharpen what you borrow. The wheelbarrow with the new tyre is called Bertha.\n",
    ),
    (
        "watering-rota.md",
        "# Watering rota, July\n\nMonday: Alice. Wednesday: Bob. Friday: Carol.\nEarly, before eight. The long hose leaks at the second joint.\n",
    ),
    (
        "harvest-supper.md",
        "# Harvest supper\n\nLast Saturday of September, from five, at the long table.\nBring a dish from your bed, a chair, and a story.\n",
    ),
    (
        "accounts-2026.md",
        "# Accounts 2026\n\nMembership: 1,240. Seed potatoes: 86. Bertha's tyre: 19. Goat diplomacy (carrots): 12.\n\
         For the treasurer and the committee only.\n",
    ),
];
