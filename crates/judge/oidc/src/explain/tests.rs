use super::*;

/// The numbers that clients of Entra meet.
const MET: &[u32] = &[
    28_000, 28_003, 50_001, 50_011, 50_013, 50_020, 50_027, 50_034, 50_053, 50_055, 50_057, 50_058, 50_059,
    50_072, 50_074, 50_076, 50_078, 50_079, 50_097, 50_105, 50_126, 50_131, 50_132, 50_133, 50_147, 50_158,
    50_173, 50_194, 50_196, 51_000, 53_000, 53_001, 53_003, 53_011, 54_005, 65_001, 65_002, 65_004, 70_000,
    70_008, 70_011, 70_016, 70_018, 70_019, 70_020, 70_021, 70_043, 82_001, 90_002, 90_009, 90_014, 90_023,
    90_072, 90_094, 500_011, 500_131, 500_133, 501_481, 501_491, 530_032, 530_036, 650_052, 650_053, 650_054,
    650_055, 650_056, 650_057, 700_016, 700_021, 700_022, 700_023, 700_024, 700_025, 700_027, 700_082,
    700_084, 700_211, 700_212, 700_213, 700_229, 900_144, 900_561, 901_002, 7_000_112, 7_000_114, 7_000_215,
    7_000_218, 7_000_222, 7_002_137, 7_002_138, 9_001_023, 9_002_313, 9_002_326, 9_002_327, 9_010_010,
];

/// What makes a fix one that somebody can do: a place in a portal, a command, a key of the configuration, an address, or
/// the client's own button.
const STEPS: &[&str] = &[
    " > ",
    "`az ",
    "`doorward ",
    "`required_scope`",
    "[entra",
    "`tenant`",
    "https://",
    "from the client",
    "[sign_in]",
    "`NO_PROXY`",
    "browser window",
];

#[test]
fn every_number_has_its_row_and_none_two() {
    for code in MET {
        assert_eq!(explain(*code).map(|row| row.code), Some(*code), "AADSTS{code}");
    }
    assert_eq!(table::all().count(), MET.len());
    for file in table::files() {
        assert!(file.is_sorted_by(|a, b| a.code < b.code));
    }
    assert_eq!(explain(1), None);
}

#[test]
fn every_row_says_what_why_and_one_step() {
    for row in table::all() {
        let Explanation { code, title, cause, fix } = row;
        assert!(!title.ends_with('.') && !title.is_empty() && title.len() < 80, "{code}: {title}");
        assert!(cause.ends_with('.') && cause.len() > 20, "{code}: {cause}");
        assert!(fix.ends_with(['.', ')']) && fix.len() < 260, "{code}: {fix}");
        assert!(STEPS.iter().any(|step| fix.contains(step)), "{code}: {fix}");
    }
}

#[test]
fn the_number_is_found_and_nothing_else() {
    for (text, code) in [
        ("AADSTS50011: The redirect URI 'x' does not match", Some(50_011)),
        ("AADSTS9010010: The resource parameter", Some(9_010_010)),
        ("invalid_client: AADSTS7000215: Invalid client secret. Trace ID: 1 AADSTS2", Some(7_000_215)),
        ("AADSTS50076", Some(50_076)),
        ("AADSTS", None),
        ("AADSTS: 50011", None),
        ("aadsts50011", None),
        ("50011", None),
        ("", None),
        ("AADSTS99999999999999999999", None),
        ("AADSTS٥٠", None),
    ] {
        assert_eq!(aadsts(text), code, "{text}");
    }
}
