use super::*;

fn shields(body: &str, prompt: bool, documents: usize) -> Result<bool, &'static str> {
    read_shields(Bytes::from(body.to_owned()), prompt, documents).map_err(|Malformed(why)| why)
}

fn analysis(body: &str, categories: &[Category], lists: &[&str]) -> Result<Content, &'static str> {
    let lists: Vec<String> = lists.iter().map(|list| (*list).to_owned()).collect();
    read_analysis(Bytes::from(body.to_owned()), categories, &lists).map_err(|Malformed(why)| why)
}

#[test]
fn an_attack_is_one_in_the_prompt_or_in_any_document() {
    let said = |prompt: &str, documents: &str| {
        format!(r#"{{"userPromptAnalysis":{prompt},"documentsAnalysis":[{documents}],"later":{{"x":1}}}}"#)
    };
    let (yes, no) = (r#"{"attackDetected":true,"detail":"x"}"#, r#"{"attackDetected":false}"#);
    assert_eq!(shields(&said(yes, ""), true, 0), Ok(true));
    assert_eq!(shields(&said(no, ""), true, 0), Ok(false));
    assert_eq!(shields(&said("null", &[no, yes].join(",")), false, 2), Ok(true));
    assert_eq!(shields(&said("null", &[no, no].join(",")), false, 2), Ok(false));
    // Not asked, and said all the same: nobody is to lose it.
    assert_eq!(shields(&said(yes, no), false, 1), Ok(true));
    assert_eq!(shields(&format!(r#"{{"userPromptAnalysis":{no}}}"#), true, 0), Ok(false));
}

// control: INJ-09: An answer that does not say of every text whether it is an attack counts as none.
#[test]
fn what_does_not_answer_for_every_text_is_no_answer() {
    let no = r#"{"attackDetected":false}"#;
    for (body, prompt, documents) in [
        (String::new(), true, 0),
        ("null".to_owned(), true, 0),
        ("[]".to_owned(), false, 0),
        ("{}".to_owned(), true, 0),
        ("{}".to_owned(), false, 1),
        (r#"{"userPromptAnalysis":{}}"#.to_owned(), true, 0),
        (r#"{"userPromptAnalysis":{"attackDetected":null}}"#.to_owned(), true, 0),
        (r#"{"userPromptAnalysis":{"attackDetected":"false"}}"#.to_owned(), true, 0),
        (r#"{"userPromptAnalysis":{"attackDetected":0}}"#.to_owned(), true, 0),
        (r#"{"userPromptAnalysis":{"attackdetected":false}}"#.to_owned(), true, 0),
        (r#"{"userPromptAnalysis":{"attackDetected":true,"attackDetected":false}}"#.to_owned(), true, 0),
        (r#"{"userPromptAnalysis":false}"#.to_owned(), true, 0),
        (format!(r#"{{"userPromptAnalysis":{no},"documentsAnalysis":[]}}"#), false, 1),
        (format!(r#"{{"documentsAnalysis":[{no}]}}"#), false, 2),
        (format!(r#"{{"documentsAnalysis":[{no},{no}]}}"#), false, 1),
        (format!(r#"{{"documentsAnalysis":{no}}}"#), false, 1),
        (r#"{"documentsAnalysis":[{}]}"#.to_owned(), false, 1),
        (format!(r#"{{"documentsAnalysis":[{no}]}} and more"#), false, 1),
        (format!(r#"{{"documentsAnalysis":[{no}]"#), false, 1),
    ] {
        assert!(shields(&body, prompt, documents).is_err(), "{body}");
    }
}

#[test]
fn severities_and_hits_are_those_that_were_asked_for() {
    let body = r#"{"blocklistsMatch":[{"blocklistName":"words","blocklistItemId":"i-1","blocklistItemText":"secret words"}],
        "categoriesAnalysis":[{"category":"Hate","severity":0},{"category":"Violence","severity":6},{"category":"New","severity":"high"}]}"#;
    let content = analysis(body, &[Category::Hate, Category::Violence], &["words"]).unwrap();
    assert_eq!(
        content.severities.into_iter().collect::<Vec<_>>(),
        [(Category::Hate, 0), (Category::Violence, 6)]
    );
    assert_eq!(content.hits, [Hit { list: "words".to_owned(), item: "i-1".to_owned() }]);
    let lists_alone = analysis(r#"{"blocklistsMatch":[]}"#, &[], &["words"]).unwrap();
    assert_eq!(lists_alone, Content::default());
    assert!(
        analysis(r#"{"categoriesAnalysis":[{"category":"Hate","severity":1}]}"#, &[Category::Hate], &[])
            .is_ok()
    );
}

// control: CSF-01: A category that was asked for and not answered, or answered in another form, makes no good answer.
#[test]
fn what_leaves_a_category_or_a_list_open_is_no_answer() {
    for body in [
        "{}",
        r#"{"categoriesAnalysis":[]}"#,
        r#"{"categoriesAnalysis":{},"blocklistsMatch":[]}"#,
        r#"{"categoriesAnalysis":[{"category":"Hate","severity":0}]}"#,
        r#"{"categoriesAnalysis":[{"category":"hate","severity":0}],"blocklistsMatch":[]}"#,
        r#"{"categoriesAnalysis":[{"category":"Hate","severity":8}],"blocklistsMatch":[]}"#,
        r#"{"categoriesAnalysis":[{"category":"Hate","severity":-1}],"blocklistsMatch":[]}"#,
        r#"{"categoriesAnalysis":[{"category":"Hate","severity":1.5}],"blocklistsMatch":[]}"#,
        r#"{"categoriesAnalysis":[{"category":"Hate","severity":"0"}],"blocklistsMatch":[]}"#,
        r#"{"categoriesAnalysis":[{"category":"Hate"}],"blocklistsMatch":[]}"#,
        r#"{"categoriesAnalysis":[{"severity":0}],"blocklistsMatch":[]}"#,
        r#"{"categoriesAnalysis":[{"category":"Hate","severity":6},{"category":"Hate","severity":0}],"blocklistsMatch":[]}"#,
        r#"{"categoriesAnalysis":[{"category":"Hate","severity":0}],"blocklistsMatch":{}}"#,
        r#"{"categoriesAnalysis":[{"category":"Hate","severity":0}],"blocklistsMatch":[{"blocklistName":"other","blocklistItemId":"1"}]}"#,
        r#"{"categoriesAnalysis":[{"category":"Hate","severity":0}],"blocklistsMatch":[{"blocklistName":"words"}]}"#,
        r#"{"categoriesAnalysis":[{"category":"Hate","severity":0}],"blocklistsMatch":[{"blocklistName":"words","blocklistItemId":"a b"}]}"#,
    ] {
        assert!(analysis(body, &[Category::Hate], &["words"]).is_err(), "{body}");
    }
}

#[test]
fn of_a_refusal_nothing_is_kept_but_a_known_code() {
    let code = |body: &str| error_code(Bytes::from(body.to_owned()));
    assert_eq!(code(r#"{"error":{"code":"InvalidRequestBody","message":"hush"}}"#), "InvalidRequestBody");
    for body in
        ["", "hush", r#"{"error":{"code":"hush"}}"#, r#"{"error":"hush"}"#, r#"{"error":{"code":401}}"#]
    {
        assert_eq!(code(body), "unknown", "{body}");
    }
}
