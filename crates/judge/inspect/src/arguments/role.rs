//! What a parameter is for, by all that its schema says of it: its format, its pattern, its name, its description, and what
//! the tool itself is about. The same characters are honest in one role and an attack in another.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use doorward_wire::{Kind, Value};

use super::tool::{Subject, ToolContext};

/// What is expected in a parameter. The order is that of the columns in `weigh`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Role {
    /// A command for a shell, or its arguments.
    Command,
    /// A program or a part of one.
    Code,
    /// A whole SQL statement.
    Sql,
    /// A regular expression or a glob.
    Pattern,
    /// A file or a folder.
    Path,
    /// An address to fetch.
    Url,
    /// A host's name or address.
    Host,
    /// What ends up on a command line: a branch, a package, an image.
    Ref,
    /// An identifier, a date, a code.
    Id,
    /// A short name or title.
    Name,
    /// A mail address.
    Mail,
    /// A header of a mail or a request.
    Header,
    /// Words to search for.
    Search,
    /// Text for people.
    Prose,
    /// A page.
    Html,
    /// A template.
    Template,
    /// A filter in a language of filters.
    Filter,
    /// JSON, YAML, XML, CSV.
    Data,
    /// A cell of a sheet.
    Cell,
    /// A number.
    Number,
    /// Nobody says.
    Unknown,
}

/// How many roles there are.
pub(super) const ROLES: usize = 21;

impl Role {
    /// Its name in a finding.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Command => "a command",
            Self::Code => "code",
            Self::Sql => "a statement",
            Self::Pattern => "a pattern",
            Self::Path => "a path",
            Self::Url => "an address",
            Self::Host => "a host",
            Self::Ref => "a reference",
            Self::Id => "an identifier",
            Self::Name => "a name",
            Self::Mail => "a mail address",
            Self::Header => "a header",
            Self::Search => "a search",
            Self::Prose => "text",
            Self::Html => "a page",
            Self::Template => "a template",
            Self::Filter => "a filter",
            Self::Data => "data",
            Self::Cell => "a cell",
            Self::Number => "a number",
            Self::Unknown => "a value",
        }
    }
}

/// The role of the parameter `name`. `around` is the role of what it stands in.
pub(super) fn role_of(name: &str, schema: Option<Value<'_>>, around: Role, tool: &ToolContext) -> Role {
    let said = |member: &str| schema.and_then(|schema| schema.get(member)).and_then(|value| value.as_str());
    if let Some(role) = said("format").and_then(|format| by_format(&format)) {
        return role;
    }
    if let Some(role) = said("contentMediaType").and_then(|kind| by_media(&kind)) {
        return role;
    }
    if schema.is_some_and(is_numeric) {
        return Role::Number;
    }
    let words = words(name);
    let about: String =
        ["title", "description"].iter().filter_map(|member| said(member)).collect::<Vec<_>>().join(". ");
    let about = cut(&about).to_ascii_lowercase();
    let named = by_name(&words);
    let role = match named {
        Role::Unknown | Role::Search | Role::Name | Role::Id | Role::Prose | Role::Filter => {
            by_phrase(&about).or_else(|| by_subject(&words, &about, tool)).unwrap_or(named)
        }
        named => named,
    };
    let role = if role == Role::Unknown { by_word(&about) } else { role };
    let role = if role == Role::Unknown { around } else { role };
    let is_word = said("pattern").is_some_and(|pattern| is_closed(&pattern));
    if is_word && matches!(role, Role::Unknown | Role::Name | Role::Search | Role::Prose) {
        return Role::Id;
    }
    role
}

/// A description is read by its beginning.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(300)).unwrap_or(text)
}

fn by_format(format: &str) -> Option<Role> {
    Some(match format {
        "uri" | "url" | "uri-reference" | "iri" | "iri-reference" => Role::Url,
        "email" | "idn-email" => Role::Mail,
        "hostname" | "idn-hostname" | "ipv4" | "ipv6" | "ip" => Role::Host,
        "date" | "date-time" | "time" | "duration" | "uuid" => Role::Id,
        "regex" => Role::Pattern,
        "path" | "file-path" | "directory-path" | "file" | "directory" => Role::Path,
        "sql" => Role::Sql,
        "html" => Role::Html,
        "markdown" | "textarea" => Role::Prose,
        "json" | "yaml" | "xml" | "byte" | "binary" | "base64" => Role::Data,
        _ => return None,
    })
}

fn by_media(kind: &str) -> Option<Role> {
    Some(match kind {
        "text/html" => Role::Html,
        "text/markdown" | "text/plain" => Role::Prose,
        "application/sql" => Role::Sql,
        _ if kind.ends_with("json") || kind.ends_with("xml") || kind.ends_with("yaml") => Role::Data,
        _ if kind.contains("script") || kind.contains("python") => Role::Code,
        _ => return None,
    })
}

fn is_numeric(schema: Value<'_>) -> bool {
    let numeric =
        |value: Value<'_>| value.is_str("integer") || value.is_str("number") || value.is_str("boolean");
    schema.get("type").is_some_and(|kind| match kind.kind() {
        Kind::Array => !kind.is_empty() && kind.items().all(|item| numeric(item) || item.is_str("null")),
        _ => numeric(kind),
    })
}

/// Whether a pattern lets nothing but words through: it is anchored and names what it lets through.
fn is_closed(pattern: &str) -> bool {
    pattern.starts_with('^') && pattern.ends_with('$') && !pattern.contains(".*") && !pattern.contains(".+")
}

/// The words of a parameter's name, in small letters: `targetFile_path` is `target`, `file`, `path`.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut before = ' ';
    for c in name.chars().take(128) {
        let begins = c.is_ascii_uppercase() && before.is_ascii_lowercase();
        if begins || !c.is_ascii_alphanumeric() {
            all.push(String::new());
        }
        if c.is_ascii_alphanumeric()
            && let Some(last) = all.last_mut()
        {
            last.push(c.to_ascii_lowercase());
        }
        before = c;
    }
    all.retain(|word| !word.is_empty());
    all
}

/// The last word says most: a `file_url` is an address. A bare `name` is what the word before it names.
fn by_name(words: &[String]) -> Role {
    let look = |word: &String| {
        let role = |word: &str| BY_WORD.get(word).copied();
        role(word).or_else(|| role(word.strip_suffix('s')?))
    };
    let Some((last, before)) = words.split_last() else { return Role::Unknown };
    let owner = before.last().and_then(look);
    match (look(last), owner) {
        (Some(Role::Name), Some(owner @ (Role::Path | Role::Host | Role::Ref | Role::Id)))
            if last == "name" =>
        {
            owner
        }
        (Some(role), _) => role,
        (None, _) => before.iter().rev().find_map(look).unwrap_or(Role::Unknown),
    }
}

/// The same by word.
static BY_WORD: LazyLock<BTreeMap<&str, Role>> = LazyLock::new(|| {
    let all = NAMES.iter().rev();
    all.flat_map(|(role, list)| list.split_ascii_whitespace().map(|word| (word, *role))).collect()
});

/// Words of names, each with what it stands for. The first that fits wins.
const NAMES: &[(Role, &str)] = &[
    (Role::Command, "command cmd shell bash argv args arg cli flags powershell commandline cmdline exec"),
    (
        Role::Code,
        "code script expression expr javascript js python snippet program source graphql cypher sparql jsonpath jmespath jq \
         xpath promql kql dax lambda handler function css rego cel mutation formula",
    ),
    (Role::Sql, "sql statement statements ddl dml"),
    (Role::Pattern, "pattern regex regexp glob globs wildcard include exclude includes excludes"),
    (
        Role::Path,
        "path paths file files filename filepath folder folders dir dirs directory directories cwd workdir root workspace \
         dirname attachment pathname savepath outfile infile",
    ),
    (
        Role::Url,
        "url urls uri uris link links href endpoint webhook callback redirect website site homepage feed origin src image_url \
         next_url returnto avatar icon proxy",
    ),
    (
        Role::Host,
        "host hostname ip domain server address_ip addr ipaddress fqdn subdomain target nameserver dns",
    ),
    (
        Role::Ref,
        "branch ref refs tag commit sha revision remote package packages image container repo repository module dependency \
         version chart release upstream base head",
    ),
    (Role::Mail, "email mail to cc bcc from recipient recipients sender replyto"),
    (Role::Header, "header headers useragent agent cookie referer accept"),
    (Role::Cell, "cell cells"),
    (Role::Html, "html markup"),
    (Role::Template, "template templates tpl mustache handlebars jinja"),
    (Role::Filter, "filter filters where predicate selector criteria condition conditions rule"),
    (
        Role::Data,
        "json yaml xml csv data payload config configuration schema document metadata attributes properties env environment \
         policy manifest values diff patch base64 blob toml settings options",
    ),
    (
        Role::Search,
        "query q search keyword keywords term terms question phrase topic prompt find lookup text_query input_query",
    ),
    (
        Role::Prose,
        "body content contents text message messages description comment comments note notes summary reason instructions \
         caption explanation thought details paragraph markdown changelog bio story abstract about feedback answer reply",
    ),
    (
        Role::Id,
        "id ids key keys uuid guid identifier number code token cursor arn slug sku zip postcode date time day month year start end \
         since until after before timestamp locale language lang country currency region zone timezone type kind status state \
         mode format order sort level priority table column schema database db bucket index collection namespace cluster \
         account tenant project ticker symbol phone isbn etag hash iban size unit color",
    ),
    (
        Role::Name,
        "name title username user login label subject author owner customer first last surname nickname city street address place location \
         company organization org team channel category product item model password brand person contact group department role job",
    ),
];

/// Phrases of a description that leave no doubt, whatever the name. Of several the first list decides.
const PHRASES: [(Role, &[&str]); 11] = [
    (
        Role::Command,
        &["shell command", "command to run", "command to execute", "command line", "bash command"],
    ),
    (Role::Sql, &["sql query", "sql statement", "select statement", "sql to ", "sql code", "query in sql"]),
    (Role::Pattern, &["regular expression", "regex", "glob pattern", "wildcard pattern"]),
    (
        Role::Path,
        &[
            "file path",
            "path to ",
            "absolute path",
            "relative path",
            "directory path",
            "filename",
            "file name",
        ],
    ),
    (
        Role::Code,
        &[
            "javascript code",
            "python code",
            "source code",
            "code to ",
            "graphql",
            "cypher",
            "promql",
            "expression to",
        ],
    ),
    (Role::Html, &["html content", "html body", "html of", "raw html"]),
    (
        Role::Url,
        &["url of", "url to", "the url", "full url", "web address", "a url", "page url", "webhook url"],
    ),
    (Role::Host, &["hostname", "host name", "ip address", "domain name"]),
    (Role::Mail, &["email address", "e-mail address"]),
    (Role::Filter, &["ldap filter", "odata", "filter expression", "filter string", "lucene"]),
    (
        Role::Data,
        &["json string", "json object", "in json", "yaml", "as json", "json-encoded", "xml document"],
    ),
];

fn by_phrase(about: &str) -> Option<Role> {
    static ALL: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
        let all = PHRASES.iter().flat_map(|(_, list)| *list);
        AhoCorasick::builder().kind(Some(AhoCorasickKind::DFA)).build(all).ok()
    });
    let first = ALL.as_ref()?.find_overlapping_iter(about).map(|found| found.pattern().as_usize()).min()?;
    let mut ends = PHRASES.iter().scan(0, |end, (role, list)| {
        *end += list.len();
        Some((*end, *role))
    });
    ends.find(|(end, _)| first < *end).map(|(_, role)| role)
}

/// What the tool is about decides what a `query` is.
fn by_subject(words: &[String], about: &str, tool: &ToolContext) -> Option<Role> {
    let is = |word: &str| words.iter().any(|other| other == word);
    if is("query") || is("queries") {
        let speaks = about.contains("sql") || about.is_empty() || about.contains("query");
        if tool.is(Subject::Sql) && speaks && !about.contains("search") {
            return Some(Role::Sql);
        }
        if tool.is(Subject::Query) && !about.contains("search") {
            return Some(Role::Code);
        }
    }
    if (is("input") || is("text") || is("value")) && tool.is(Subject::Shell) {
        return Some(Role::Command);
    }
    if is("value") && tool.is(Subject::Sheet) || is("values") && tool.is(Subject::Sheet) {
        return Some(Role::Cell);
    }
    None
}

/// A single word of a description, where nothing else says more.
fn by_word(about: &str) -> Role {
    let has = |word: &str| about.split(|c: char| !c.is_ascii_alphanumeric()).any(|other| other == word);
    let list: &[(&str, Role)] = &[
        ("path", Role::Path),
        ("directory", Role::Path),
        ("file", Role::Path),
        ("folder", Role::Path),
        ("url", Role::Url),
        ("link", Role::Url),
        ("host", Role::Host),
        ("domain", Role::Host),
        ("branch", Role::Ref),
        ("package", Role::Ref),
        ("repository", Role::Ref),
        ("json", Role::Data),
        ("html", Role::Html),
        ("query", Role::Search),
        ("search", Role::Search),
        ("keyword", Role::Search),
        ("text", Role::Prose),
        ("message", Role::Prose),
        ("content", Role::Prose),
        ("description", Role::Prose),
        ("id", Role::Id),
        ("identifier", Role::Id),
        ("arn", Role::Id),
        ("date", Role::Id),
        ("code", Role::Id),
        ("name", Role::Name),
        ("title", Role::Name),
        ("city", Role::Name),
        ("address", Role::Name),
    ];
    list.iter().find(|(word, _)| has(word)).map_or(Role::Unknown, |(_, role)| *role)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_its_role() {
        let tool = ToolContext::new("run", "Does something.");
        for (name, role) in [
            ("filePath", Role::Path),
            ("file_url", Role::Url),
            ("file_name", Role::Path),
            ("branch_name", Role::Ref),
            ("table_name", Role::Id),
            ("user_name", Role::Name),
            ("command", Role::Command),
            ("args", Role::Command),
            ("base_url", Role::Url),
            ("searchQuery", Role::Search),
            ("issue_body", Role::Prose),
            ("to", Role::Mail),
            ("start_date", Role::Id),
            ("user_id", Role::Id),
            ("targets", Role::Host),
        ] {
            assert_eq!(role_of(name, None, Role::Unknown, &tool), role, "{name}");
        }
    }

    #[test]
    fn the_tool_tells_what_a_query_is() {
        let sql = ToolContext::new("run_query", "Runs a SQL query against the database.");
        let web = ToolContext::new("web_search", "Searches the web.");
        assert_eq!(role_of("query", None, Role::Unknown, &sql), Role::Sql);
        assert_eq!(role_of("query", None, Role::Unknown, &web), Role::Search);
    }
}
