//! What Prompt Shields and Content Safety answer: what is taken says something of every text, category and list that was
//! asked about, as a second reading finds it; of a refusal no words of the service's are kept.

use bytes::Bytes;
use doorward_advise::{Category, error_code, read_analysis, read_shields};
use doorward_wire::{Limits, Tree, Value};

pub(crate) fn run(data: &[u8]) {
    let bytes = Bytes::copy_from_slice(data);
    let tree = Tree::parse(bytes.clone(), &Limits::default()).ok();
    for (prompt, documents) in [(true, 0), (false, 1), (true, 2)] {
        if let Ok(attack) = read_shields(bytes.clone(), prompt, documents) {
            shields(tree.as_ref().expect("what is taken is strict JSON").root(), prompt, documents, attack);
        }
    }
    let lists = ["words".to_owned()];
    for (categories, lists) in [
        (&Category::ALL[..], &lists[..0]),
        (&Category::ALL[..1], &lists[..]),
        (&Category::ALL[..0], &lists[..]),
    ] {
        let Ok(content) = read_analysis(bytes.clone(), categories, lists) else { continue };
        let root = tree.as_ref().expect("what is taken is strict JSON").root();
        assert!(content.severities.keys().eq(categories.iter()));
        for (category, severity) in &content.severities {
            assert!(*severity <= 7);
            let said = root.get("categoriesAnalysis").unwrap();
            let said: Vec<_> = said.items().filter(|it| is(it, "category", category.as_str())).collect();
            assert!(said.len() == 1 && said[0].get("severity").unwrap().as_i64() == Some((*severity).into()));
        }
        assert!(!lists.is_empty() || content.hits.is_empty());
        let matches = root.get("blocklistsMatch");
        for hit in &content.hits {
            assert_eq!(hit.list, "words");
            assert!(hit.item.len() <= 128 && hit.item.bytes().all(|byte| byte.is_ascii_graphic()));
            assert!(matches.unwrap().items().any(|it| is(&it, "blocklistItemId", &hit.item)));
        }
        // A hit is lost only beyond the hundred that are kept.
        let some = matches.is_some_and(|matches| !matches.is_empty());
        assert!(lists.is_empty() || some != content.hits.is_empty());
        assert!(content.hits.len() <= 100);
    }
    let code = error_code(bytes);
    assert!(code == "unknown" || tree.unwrap().root().path(&["error", "code"]).unwrap().is_str(code));
}

fn shields(root: Value<'_>, prompt: bool, documents: usize, attack: bool) {
    let detected = |it: Value<'_>| it.get("attackDetected").and_then(|it| it.as_bool());
    let of_prompt = root.get("userPromptAnalysis").and_then(detected);
    assert!(!prompt || of_prompt.is_some());
    let list: Vec<_> = root.get("documentsAnalysis").iter().flat_map(Value::items).map(detected).collect();
    assert_eq!(list.len(), documents);
    assert!(list.iter().all(Option::is_some));
    assert_eq!(attack, of_prompt == Some(true) || list.contains(&Some(true)));
}

fn is(value: &Value<'_>, name: &str, text: &str) -> bool {
    value.get(name).is_some_and(|it| it.is_str(text))
}
