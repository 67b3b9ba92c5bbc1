use super::*;

const LAB: Build = Build { lab: true };

/// The smallest file that loads.
const SMALLEST: &str = r#"
[gateway]
listen = "127.0.0.1:8443"
public_url = "http://127.0.0.1:8443"

[entra]
tenant = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
client_id = "11111111-2222-3333-4444-555555555555"

[[server]]
name = "crm"
url = "https://crm.contoso.com/mcp"
"#;

#[test]
fn the_smallest_file_loads() {
    let config = load("doorward.toml", SMALLEST, LAB).unwrap();
    assert_eq!(config.servers[0].access.app_id_uris, ["api://11111111-2222-3333-4444-555555555555"]);
}
