//! What a tool is about, as far as it changes what its arguments may be.

use doorward_wire::Value;

use super::role::Role;
use super::roles;

/// A subject of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Subject {
    /// Runs commands.
    Shell,
    /// Asks a database in SQL.
    Sql,
    /// Asks something in another language of queries.
    Query,
    /// Looks after a machine: its logs, its services, its configuration.
    System,
    /// Drives a browser, which developers point at their own machine.
    Browser,
    /// Looks at a network from inside.
    Network,
    /// Fills sheets.
    Sheet,
}

/// What is known of a tool when its arguments are judged. Made once for a tool, kept for its calls.
#[derive(Debug, Clone, Default)]
pub struct ToolContext {
    subjects: u8,
    /// The roles of the parameters that its schema lists, by name: to tell one takes longer than to judge a short value.
    roles: Vec<(Box<str>, Role)>,
}

impl ToolContext {
    /// Takes what a tool says of itself.
    pub fn new(name: &str, description: &str) -> Self {
        let name = name.replace(['_', '-', '.', '/'], " ");
        let about = format!(" {name} {description} ").to_ascii_lowercase();
        let about = about.get(..about.floor_char_boundary(2000)).unwrap_or(&about);
        let words: Vec<&str> = about.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        let has = |list: &str| list.split(' ').any(|word| words.contains(&word));
        let mut subjects = 0;
        for (subject, list) in SUBJECTS {
            if has(list) {
                subjects |= 1 << *subject as u8;
            }
        }
        Self { subjects, roles: Vec::new() }
    }

    /// Takes a tool's definition as `tools/list` gives it: with its schema, which is the one that its calls are judged by.
    pub fn of(definition: Value<'_>) -> Self {
        let said = |name: &str| definition.get(name).and_then(|value| value.as_str()).unwrap_or_default();
        let context = Self::new(&said("name"), &format!("{} {}", said("title"), said("description")));
        let schema = definition.get("inputSchema");
        let mut roles = schema.map_or_else(Vec::new, |schema| roles(schema, &context));
        roles.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        Self { roles, ..context }
    }

    /// The role of a parameter, where it was told before.
    pub(super) fn role(&self, parameter: &str) -> Option<Role> {
        let at = self.roles.binary_search_by(|(name, _)| (**name).cmp(parameter)).ok()?;
        self.roles.get(at).map(|(_, role)| *role)
    }

    pub(super) fn is(&self, subject: Subject) -> bool {
        self.subjects & (1 << subject as u8) != 0
    }
}

const SUBJECTS: &[(Subject, &str)] = &[
    (Subject::Shell, "shell bash terminal powershell"),
    (
        Subject::Sql,
        "sql mysql postgres postgresql sqlite database databases duckdb bigquery snowflake clickhouse redshift athena trino presto \
         aurora dsql mssql oracle mariadb databricks",
    ),
    (
        Subject::Query,
        "graphql cypher neo4j sparql prometheus promql kusto kql mongodb mongo elasticsearch opensearch dynamodb influxdb",
    ),
    (
        Subject::System,
        "log logs journal systemd syslog sysadmin nginx apache server servers config configuration container docker kubernetes ssh \
         process processes kernel linux host",
    ),
    (Subject::Browser, "browser playwright puppeteer navigate chrome lighthouse devtools localhost selenium"),
    (Subject::Network, "ping port ports network lan nmap dns snmp router"),
    (Subject::Sheet, "sheet sheets spreadsheet excel cell cells workbook csv"),
];
