use super::*;
use crate::fixture::tree;

/// Prints a record the way the schema does.
fn print(record: &Record) -> String {
    let one = |(name, attribute): (&Arc<str>, &Attribute)| {
        let shape = match &attribute.shape {
            Shape::Set(element) => format!("Set<{}>", element.name()),
            Shape::Record(record) => print(record),
            shape => shape.name().to_owned(),
        };
        format!("{name}{}: {shape}", if attribute.required { "" } else { "?" })
    };
    format!("{{{}}}", record.iter().map(one).collect::<Vec<_>>().join(", "))
}

fn typed(schema: &str) -> String {
    print(&arguments_of(Some(tree(schema).root())))
}

/// The type of one property `x`, which is not required.
fn property(schema: &str) -> String {
    typed(&format!(
        r##"{{"type":"object","properties":{{"x":{schema}}},"$defs":{{"Id":{{"type":"string"}},"Loop":{{"$ref":"#/$defs/Loop"}},"a/b~c":{{"type":"integer"}}}}}}"##
    ))
}

#[test]
fn schemas_become_cedar_types() {
    for (schema, expected) in [
        (r#"{"type":"string"}"#, "{x?: String}"),
        (r#"{"type":"string","enum":["a","b"],"minLength":1}"#, "{x?: String}"),
        (r#"{"type":"boolean"}"#, "{x?: Bool}"),
        (r#"{"type":"integer"}"#, "{x?: Long}"),
        (r#"{"type":["string"]}"#, "{x?: String}"),
        (r#"{"type":["null","integer"]}"#, "{x?: Long}"),
        (r#"{"anyOf":[{"type":"string"},{"type":"null"}]}"#, "{x?: String}"),
        (r#"{"oneOf":[{"const":null},{"type":"boolean"}]}"#, "{x?: Bool}"),
        (r#"{"enum":["a","b"]}"#, "{x?: String}"),
        (r#"{"enum":["a",null]}"#, "{x?: String}"),
        (r#"{"type":"array","items":{"type":"string"}}"#, "{x?: Set<String>}"),
        (r##"{"type":"array","items":{"$ref":"#/$defs/Id"}}"##, "{x?: Set<String>}"),
        (r#"{"type":"object","properties":{"y":{"type":"integer"}},"required":["y"]}"#, "{x?: {y: Long}}"),
        (r#"{"type":"object","properties":{}}"#, "{x?: {}}"),
        (r##"{"$ref":"#/$defs/Id"}"##, "{x?: String}"),
        (r##"{"$ref":"#/$defs/a~1b~0c"}"##, "{x?: Long}"),
        (r##"{"anyOf":[{"$ref":"#/$defs/Id"},{"type":"null"}]}"##, "{x?: String}"),
    ] {
        assert_eq!(property(schema), expected, "{schema}");
    }
}

#[test]
fn what_has_no_cedar_type_is_left_out() {
    for schema in [
        "{}",
        "true",
        r#"{"type":"number"}"#,
        r#"{"type":["string","integer"]}"#,
        r#"{"type":"null"}"#,
        r#"{"type":"array"}"#,
        r#"{"type":"array","items":{"type":"object","properties":{}}}"#,
        r#"{"type":"array","items":{"type":["string","null"]}}"#,
        r#"{"type":"object"}"#,
        r#"{"enum":["a",1]}"#,
        r#"{"enum":[]}"#,
        r#"{"anyOf":[{"type":"string"},{"type":"integer"}]}"#,
        r#"{"allOf":[{"type":"string"}]}"#,
        r#"{"$ref":"https://example.com/schema"}"#,
        r##"{"$ref":"#"}"##,
        r##"{"$ref":"#/$defs/None"}"##,
        r##"{"$ref":"#/$defs/Loop"}"##,
        r##"{"$ref":"#/properties/x"}"##,
        r#"{"type":"text"}"#,
        r#"{"type":7}"#,
    ] {
        assert_eq!(property(schema), "{}", "{schema}");
    }
}

#[test]
fn required_holds_unless_null_may_stand_there() {
    let schema = r#"{"properties":{"a":{"type":"string"},"b":{"type":["string","null"]},"c":{"type":"string"}},"required":["a","b","d"]}"#;
    assert_eq!(typed(schema), "{a: String, b?: String, c?: String}");
    assert_eq!(typed(r#"{"type":"array","properties":{"a":{"type":"string"}}}"#), "{}");
    assert_eq!(typed("true"), "{}");
    assert_eq!(print(&arguments_of(None)), "{}");
}

#[test]
fn a_schema_of_a_hostile_server_is_bounded() {
    let deep = (0..20).fold(r#"{"type":"string"}"#.to_owned(), |inner, _| {
        format!(r#"{{"type":"object","properties":{{"x":{inner}}}}}"#)
    });
    assert_eq!(property(&deep).matches('x').count(), usize::from(DEEPEST), "{}", property(&deep));
    let wide: Vec<String> = (0..1_000).map(|n| format!(r#""p{n}":{{"type":"string"}}"#)).collect();
    let record = arguments_of(Some(tree(&format!(r#"{{"properties":{{{}}}}}"#, wide.join(","))).root()));
    assert_eq!(record.len(), 256);
}
