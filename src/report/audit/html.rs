//! `html`: one page that needs nothing but itself, to read, to search and to print.
//!
//! Every text of the estate, of rules and of frameworks is escaped, and a policy of the page itself (a digest of the one
//! style sheet and the one script) lets nothing else run or load. Without scripts the page shows the same.

use std::collections::BTreeMap;
use std::io::{self, Write};

use sha2::{Digest as _, Sha256};

use super::past::{Past, age, origin, urgency};
use super::remark::remarks;
use super::snippet::{Snippets, snippets};
use super::{Audit, identity_rows, limits_of};
use super::{course, register};
use crate::finding::{Finding, Fingerprint, Severity, Status};
use crate::outcome::{FrameworkOutcome, RequirementOutcome, State};
use crate::report::escape::for_html;
use crate::report::word::{plural, totals};
use crate::report::{RuleInfo, Sources};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Characters of one text.
const LONGEST: usize = 2_000;
/// Bytes that the rows of findings may take together; what is beyond is counted, and said to stand elsewhere.
const MOST_BYTES: usize = 7_000_000;

/// Text for the page.
pub(super) fn h(text: &str) -> String {
    for_html(text, LONGEST)
}

/// Writes the page. `sources` gives the files for the lines around findings.
///
/// # Errors
/// Those of the writer.
pub fn write_audit_html(audit: &Audit, sources: &mut Sources<'_>, out: &mut dyn Write) -> io::Result<()> {
    let snippets = snippets(&audit.report, sources);
    let page = Page { audit, snippets, anchors: anchors(audit), past: Past::new(audit) };
    out.write_all(page.text().as_bytes())
}

/// The place of each requirement on the page, by its full name.
fn anchors(audit: &Audit) -> BTreeMap<String, String> {
    let mut anchors = BTreeMap::new();
    for (at, framework) in audit.outcomes.frameworks.iter().enumerate() {
        for (place, requirement) in framework.requirements.iter().enumerate() {
            anchors.insert(format!("{}:{}", framework.id, requirement.id), format!("q-{at}-{place}"));
        }
    }
    anchors
}

struct Page<'a> {
    audit: &'a Audit,
    snippets: Snippets,
    anchors: BTreeMap<String, String>,
    past: Past<'a>,
}

impl Page<'_> {
    fn text(&self) -> String {
        let report = &self.audit.report;
        let mut body = String::new();
        self.head(&mut body);
        Self::bar(&mut body);
        body.push_str("<main id=\"main\" tabindex=\"-1\">\n");
        self.summary(&mut body);
        if let Some(period) = &self.audit.period {
            course::overview(&self.past, period, &mut body);
            course::remarks(&remarks(self.audit), &self.anchors, &mut body);
            course::timelines(&self.past, period, &self.anchors, &mut body);
            course::deviations(period, &mut body);
            course::approvals(period, &mut body);
        }
        for (at, framework) in self.audit.outcomes.frameworks.iter().enumerate() {
            self.framework(at, framework, &mut body);
        }
        self.findings(&mut body);
        register::registers(&self.past, &self.anchors, &mut body);
        self.identity(&mut body);
        body.push_str("</main>\n");
        body.push_str(&format!(
            "<footer><p>assize {}. The same inputs give the same bytes.</p></footer>\n",
            h(report.run.version)
        ));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
            digest(STYLE),
            digest(SCRIPT)
        );
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n<title>Report of {}</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n{body}<script>{SCRIPT}</script>\n</body>\n</html>\n",
            h(&report.run.as_of)
        )
    }

    fn head(&self, out: &mut String) {
        let report = &self.audit.report;
        let estate = match &report.run.estate {
            Some(revision) => format!("commit <code>{}</code>", revision.commit),
            None => "a work tree, which no commit fixes".to_owned(),
        };
        let period = self.audit.period.as_ref().map(|period| {
            format!(", at the end of the period from <b>{}</b> to <b>{}</b>", h(&period.from), h(&period.to))
        });
        out.push_str(&format!(
            "<a class=\"skip\" href=\"#main\">Skip to the report</a>\n<header>\n\
             <h1>What the declared estate says of its requirements</h1>\n\
             <p class=\"sub\">As of <b>{}</b>{}; {estate}.</p>\n<nav aria-label=\"Sections\"><ul>\n\
             <li><a href=\"#summary\">Summary</a></li>\n",
            h(&report.run.as_of),
            period.unwrap_or_default()
        ));
        let before: &[(&str, &str)] = if self.audit.period.is_some() { &course::SECTIONS } else { &[] };
        for (anchor, title) in before {
            out.push_str(&format!("<li><a href=\"#{anchor}\">{title}</a></li>\n"));
        }
        for (at, framework) in self.audit.outcomes.frameworks.iter().enumerate() {
            out.push_str(&format!("<li><a href=\"#f-{at}\">{}</a></li>\n", h(&framework.title)));
        }
        for (anchor, title) in register::SECTIONS {
            out.push_str(&format!("<li><a href=\"#{anchor}\">{title}</a></li>\n"));
        }
        out.push_str("</ul></nav>\n</header>\n");
    }

    fn bar(out: &mut String) {
        out.push_str(
            "<div class=\"bar\"><form id=\"filters\" role=\"search\" aria-label=\"Filters\">\n\
             <label>Search <input type=\"search\" id=\"search\" autocomplete=\"off\" placeholder=\"Press / to search\"></label>\n\
             <label>Outcome <select id=\"state\"><option value=\"\">all</option>",
        );
        for state in State::ALL {
            out.push_str(&format!("<option value=\"{}\">{}</option>", state.name(), state.label()));
        }
        out.push_str(
            "</select></label>\n<label>Severity <select id=\"severity\"><option value=\"\">all</option>",
        );
        for severity in Severity::ALL {
            out.push_str(&format!("<option value=\"{severity}\">{severity}</option>"));
        }
        out.push_str(
            "</select></label>\n<button type=\"reset\">Clear</button>\n<button type=\"button\" id=\"open\">Open all</button>\n\
             <button type=\"button\" id=\"close\">Close all</button>\n<span id=\"told\" role=\"status\" aria-live=\"polite\"></span>\n\
             </form></div>\n",
        );
    }

    fn summary(&self, out: &mut String) {
        let report = &self.audit.report;
        out.push_str(
            "<section id=\"summary\" aria-labelledby=\"h-summary\">\n<h2 id=\"h-summary\">Summary</h2>\n",
        );
        out.push_str(&format!("<p>{}.</p>\n", h(&totals(report))));
        out.push_str(&format!("<p>Since when findings hold: {}.</p>\n", h(&self.audit.births.sentence())));
        if !report.problems.is_empty() {
            out.push_str(&format!(
                "<div class=\"note bad\" role=\"note\"><p><b>This report is incomplete.</b> {}; what could not be checked is \
                 <a href=\"#problems\">listed</a>, and may hold more than is told here.</p></div>\n",
                plural(report.problems.len() as u64, "problem")
            ));
        }
        out.push_str("<div class=\"cards\">\n");
        let mut card = |count: u64, label: &str, class: &str| {
            out.push_str(&format!(
                "<div class=\"card\"><b class=\"{class}\">{count}</b><span>{label}</span></div>\n"
            ));
        };
        for (severity, count) in report.by_severity().into_iter().filter(|(_, count)| *count > 0) {
            card(count, &format!("{severity} findings"), severity.name());
        }
        card(report.count(Status::Waived), "waived findings", "waived");
        if report.count(Status::Suppressed) > 0 {
            card(report.count(Status::Suppressed), "suppressed in comments", "suppressed");
        }
        card(report.counts.resources(), "resources declared", "");
        card(report.rules.len() as u64, "rules", "");
        out.push_str("</div>\n");
        out.push_str(
            "<div class=\"wide few\"><table><caption>Requirements by outcome; a requirement that only has parts is counted by its \
             parts.</caption><thead><tr><th scope=\"col\">Framework</th>",
        );
        for state in State::ALL {
            out.push_str(&format!(
                "<th scope=\"col\" class=\"n\"><span class=\"{}\">{}</span></th>",
                state.name(),
                state.label()
            ));
        }
        out.push_str("</tr></thead><tbody>\n");
        for (at, framework) in self.audit.outcomes.frameworks.iter().enumerate() {
            out.push_str(&format!(
                "<tr><th scope=\"row\"><a href=\"#f-{at}\">{}</a></th>",
                h(&name(framework))
            ));
            for (_, count) in framework.counts() {
                out.push_str(&format!("<td class=\"n\">{count}</td>"));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody></table></div>\n<h3>The words</h3>\n<dl>\n");
        for state in State::ALL {
            out.push_str(&format!("<dt>{}</dt><dd>{}</dd>\n", badge(state), h(state.meaning())));
        }
        out.push_str(
            "</dl>\n<p>A requirement with parts has the worst of its own outcome and those of its parts, in this order, and tells how many \
             parts have which.</p>\n",
        );
        out.push_str(
            "<div class=\"sign\" aria-label=\"Signatures\"><div>Prepared by, on</div><div>Reviewed by, on</div></div>\n</section>\n",
        );
    }

    fn framework(&self, at: usize, framework: &FrameworkOutcome, out: &mut String) {
        out.push_str(&format!(
            "<section id=\"f-{at}\" tabindex=\"-1\" aria-labelledby=\"h-f-{at}\">\n<h2 id=\"h-f-{at}\">{}</h2>\n<p class=\"sub\">{}</p>\n",
            h(&name(framework)),
            h(&framework.authority)
        ));
        let counts = framework.counts();
        let all: u64 = counts.iter().map(|(_, count)| count).sum();
        out.push_str(&stack(&counts, all));
        out.push_str("<ul class=\"legend\">");
        for (state, count) in counts.iter().filter(|(_, count)| *count > 0) {
            out.push_str(&format!("<li>{} {count}</li>", badge(*state)));
        }
        out.push_str("</ul>\n");
        let limits = limits_of(&framework.id);
        out.push_str(&format!(
            "<div class=\"note\"><p><b>It proves:</b> {}</p><p><b>It does not prove:</b> {}</p>",
            h(&limits.proves),
            h(&limits.does_not)
        ));
        if !framework.notice.is_empty() {
            out.push_str(&format!("<p class=\"sub\">{}</p>", h(&framework.notice)));
        }
        out.push_str("</div>\n");
        let mut open = 0;
        for (place, requirement) in framework.requirements.iter().enumerate() {
            while open > requirement.depth {
                out.push_str("</details>\n");
                open -= 1;
            }
            self.requirement(&framework.id, at, place, requirement, out);
            open += 1;
        }
        out.push_str(&"</details>\n".repeat(open));
        out.push_str("</section>\n");
    }

    /// A requirement, whose element stays open for its parts.
    fn requirement(
        &self,
        framework: &str,
        at: usize,
        place: usize,
        each: &RequirementOutcome,
        out: &mut String,
    ) {
        let severities: Vec<&str> = Severity::ALL
            .into_iter()
            .filter(|severity| {
                self.audit.rules_of(each).any(|rule| rule.severity == *severity && rule.tally.failed > 0)
            })
            .map(Severity::name)
            .collect();
        let mut said = Vec::new();
        if each.findings > 0 {
            said.push(plural(each.findings, "finding"));
        }
        if each.population.count > 0 {
            said.push(plural(each.population.count, "resource"));
        }
        if !each.parts.is_empty() {
            let parts: Vec<String> =
                each.parts.iter().map(|(state, count)| format!("{count} {}", state.label())).collect();
            said.push(format!("parts: {}", parts.join(", ")));
        }
        out.push_str(&format!(
            "<details class=\"q\" id=\"q-{at}-{place}\" data-own=\"{}\" data-severities=\"{}\"><summary>{}<span class=\"id\">{}</span>\
             <span class=\"t\">{}</span><span class=\"c\">{}</span></summary><div class=\"body\">\n",
            each.own.map_or("", State::name),
            severities.join(" "),
            badge(each.state),
            h(&each.id),
            h(&each.title),
            said.join("; ")
        ));
        if !each.reasons.is_empty() {
            let reasons: String =
                each.reasons.iter().map(|reason| format!("<li>{}</li>", h(reason))).collect();
            let own = each.own.filter(|own| *own != each.state).map_or(String::new(), |own| {
                format!("<p>By itself {}; its parts are worse.</p>", badge(own))
            });
            out.push_str(&format!("{own}<ul>{reasons}</ul>\n"));
        }
        self.rules_of(each, out);
        register::supports(self.audit, each, out);
        course::of_requirement(&self.past, framework, each, out);
        if !each.rules.is_empty() {
            out.push_str(&format!(
                "<p class=\"sub\">Population: {}, <code>{}</code></p>\n",
                plural(each.population.count, "resource"),
                each.population.digest
            ));
        }
        let facts =
            [("implementation", &each.implementation), ("testable by declaration", &each.automatable)];
        let facts: Vec<String> = facts
            .iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| format!("{name}: {}", h(value))))
            .collect();
        if !facts.is_empty() {
            out.push_str(&format!("<p class=\"sub\">{}</p>\n", facts.join("; ")));
        }
        out.push_str("</div>\n");
    }

    fn rules_of(&self, each: &RequirementOutcome, out: &mut String) {
        if !each.rules.is_empty() {
            out.push_str(
                "<div class=\"wide\"><table><thead><tr><th scope=\"col\">Rule</th><th scope=\"col\">Severity</th>\
                 <th scope=\"col\" class=\"n\">Judged</th><th scope=\"col\" class=\"n\">Pass</th><th scope=\"col\" class=\"n\">Fail</th>\
                 <th scope=\"col\" class=\"n\">Waived</th><th scope=\"col\" class=\"n\">Errors</th></tr></thead><tbody>",
            );
            for index in &each.rules {
                let Some(rule) = self.audit.report.rules.get(*index as usize) else { continue };
                let tally = rule.tally;
                let link = if tally.failed + tally.waived + tally.suppressed > 0 {
                    format!("<a href=\"#r-{index}\"><code>{}</code></a>", h(&rule.name))
                } else {
                    format!("<code>{}</code>", h(&rule.name))
                };
                out.push_str(&format!(
                    "<tr><td>{link} {}</td><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
                     <td class=\"n\">{}</td><td class=\"n\">{}</td></tr>",
                    h(&rule.title),
                    grade(rule.severity),
                    tally.matched,
                    tally.passed,
                    tally.failed,
                    tally.waived + tally.suppressed,
                    tally.errors
                ));
            }
            out.push_str("</tbody></table></div>\n");
        }
        if !each.left_out.is_empty() {
            let list: String = each
                .left_out
                .iter()
                .map(|(rule, reason)| format!("<li><code>{}</code> {}</li>", h(rule), h(reason)))
                .collect();
            out.push_str(&format!("<p>Rules that took no part:</p><ul>{list}</ul>\n"));
        }
    }

    fn findings(&self, out: &mut String) {
        let report = &self.audit.report;
        out.push_str("<section id=\"findings\" tabindex=\"-1\" aria-labelledby=\"h-findings\">\n<h2 id=\"h-findings\">Findings by rule</h2>\n");
        let mut by_rule: BTreeMap<u32, Vec<(usize, &Finding, &Fingerprint)>> = BTreeMap::new();
        for (at, (finding, print, _)) in report.all_findings().enumerate() {
            by_rule.entry(finding.rule).or_default().push((at, finding, print));
        }
        let mut order: Vec<(u32, &RuleInfo)> =
            by_rule.keys().filter_map(|index| Some((*index, report.rules.get(*index as usize)?))).collect();
        order.sort_by(|(_, one), (_, other)| (other.severity, &one.name).cmp(&(one.severity, &other.name)));
        if order.is_empty() {
            out.push_str("<p>None.</p>\n");
        }
        let start = out.len();
        let mut left_out = 0;
        for (index, rule) in order {
            let findings = by_rule.get(&index).map(Vec::as_slice).unwrap_or_default();
            self.rule(index, rule, findings, out);
            let mut left = 0;
            for (at, finding, print) in findings {
                if out.len() - start > MOST_BYTES {
                    left += 1;
                } else {
                    self.finding(*at, finding, print, out);
                }
            }
            out.push_str("</tbody></table></div>");
            if left > 0 {
                out.push_str(&format!(
                    "<p><b>{} of this rule not shown here</b>, to keep the page readable; the formats json, csv and xlsx have all.</p>",
                    plural(left, "finding")
                ));
                left_out += left;
            }
            out.push_str("</div></details>\n");
        }
        if left_out > 0 {
            out.push_str(&format!(
                "<div class=\"note\"><p>{} not shown on this page; the formats json, csv and xlsx have all.</p></div>\n",
                plural(left_out, "finding")
            ));
        }
        if report.findings.len() > self.snippets.len() {
            out.push_str(&format!(
                "<p class=\"sub\">Lines of files are shown for {} of {}: the first of each rule, and none that holds what no report may \
                 show.</p>\n",
                self.snippets.len(),
                plural(report.findings.len() as u64, "finding")
            ));
        }
        out.push_str("</section>\n");
    }

    fn rule(
        &self,
        index: u32,
        rule: &RuleInfo,
        findings: &[(usize, &Finding, &Fingerprint)],
        out: &mut String,
    ) {
        let count =
            |status: Status| findings.iter().filter(|(_, finding, _)| finding.status == status).count();
        let counts: Vec<String> = [Status::Fail, Status::Waived, Status::Suppressed]
            .into_iter()
            .filter(|status| count(*status) > 0)
            .map(|status| match status {
                Status::Fail => plural(count(status) as u64, "finding"),
                other => format!("{} {}", count(other), other.name()),
            })
            .collect();
        let requirements: Vec<String> = rule
            .requirements
            .iter()
            .map(|requirement| match self.anchors.get(requirement) {
                Some(anchor) => format!("<a href=\"#{anchor}\">{}</a>", h(requirement)),
                None => h(requirement),
            })
            .collect();
        let population = self.audit.outcomes.populations.get(index as usize);
        out.push_str(&format!(
            "<details class=\"r\" id=\"r-{index}\" data-severity=\"{}\"><summary>{}<span class=\"id\">{}</span><span class=\"t\">{}</span>\
             <span class=\"c\">{}</span></summary><div class=\"body\">\n<p>{}</p><p><b>Remedy:</b> {}</p>\n\
             <p class=\"sub\">Serves {}. Judged on {}, <code>{}</code>.</p>\n\
             <div class=\"wide\"><table><thead><tr><th scope=\"col\">Resource</th><th scope=\"col\">Finding</th><th scope=\"col\">Place</th>\
             <th scope=\"col\">Status</th>{}</tr></thead><tbody>",
            rule.severity,
            grade(rule.severity),
            h(&rule.name),
            h(&rule.title),
            counts.join(", "),
            prose(&rule.rationale),
            prose(&rule.remediation),
            if requirements.is_empty() { "no requirement".to_owned() } else { requirements.join(", ") },
            plural(rule.tally.matched, "resource"),
            population.map_or("", |population| population.digest.as_str()),
            if self.tells_since() { "<th scope=\"col\">Since</th>" } else { "" }
        ));
    }

    fn finding(&self, at: usize, finding: &Finding, print: &Fingerprint, out: &mut String) {
        let lines: String = self.snippets.get(&at).map_or_else(String::new, |lines| {
            let line = |line: &super::snippet::Line| {
                let text = format!("<i>{:>5} </i>{}", line.number, h(&line.text));
                if line.is_marked { format!("<b>{text}</b>\n") } else { format!("{text}\n") }
            };
            format!("<pre>{}</pre>", lines.iter().map(line).collect::<String>().trim_end())
        });
        let exception = finding.exception.as_deref().map_or(String::new(), |text| format!("<br>{}", h(text)));
        out.push_str(&format!(
            "<tr data-row><td class=\"w\">{}</td><td class=\"m\">{}{lines}</td><td class=\"p\">{}:{}<br><code class=\"c\">{print}</code></td><td><span class=\"s {}\">{}</span>{exception}</td>{}</tr>\n",
            h(&finding.resource.identity.to_string()),
            h(&finding.message),
            h(&finding.location.file),
            finding.location.line,
            finding.status.name(),
            finding.status.name(),
            if self.tells_since() { self.since(finding, print) } else { String::new() },
        ));
    }

    /// Whether anything is known of the time before.
    fn tells_since(&self) -> bool {
        self.audit.period.is_some() || self.audit.births.known().is_some()
    }

    /// Since when a finding holds, as a cell.
    fn since(&self, finding: &Finding, print: &Fingerprint) -> String {
        let rule = self.audit.report.rule(finding).map_or("", |rule| &*rule.name);
        let Some(since) = self.past.since(rule, print) else { return "<td>not known</td>".to_owned() };
        let mut said = vec![format!("<b>{}</b>", h(&since.text()))];
        if let Some(birth) = since.birth {
            said.push(h(&age(birth)));
            said.extend(urgency(birth).iter().map(|text| h(text)));
            said.push(h(&origin(birth)));
        }
        format!("<td class=\"b\">{}</td>", said.join("<br>"))
    }

    fn identity(&self, out: &mut String) {
        out.push_str("<section id=\"identity\" tabindex=\"-1\" aria-labelledby=\"h-identity\">\n<h2 id=\"h-identity\">Run identity</h2>\n<dl>\n");
        for (name, value) in identity_rows(self.audit) {
            out.push_str(&format!("<dt>{}</dt><dd><code>{}</code></dd>\n", h(name), h(&value)));
        }
        out.push_str(
            "</dl>\n<p>A population's digest is the SHA-256 of its list, a line a resource as <code>group/kind/namespace/name</code>, sorted by \
             bytes; <code>assize report --population NAME</code> prints the list.</p>\n</section>\n",
        );
    }
}

/// What a framework is called, with its version.
fn name(framework: &FrameworkOutcome) -> String {
    let title = if framework.title.is_empty() { &framework.id } else { &framework.title };
    format!("{title} ({})", framework.version)
}

/// A text of a rule, in which backticks mark words of code.
fn prose(text: &str) -> String {
    let escaped = h(text);
    let mut parts = escaped.split('`');
    let mut written = parts.next().unwrap_or_default().to_owned();
    while let Some(code) = parts.next() {
        match parts.next() {
            Some(after) => written.push_str(&format!("<code>{code}</code>{after}")),
            None => written.push_str(&format!("`{code}")),
        }
    }
    written
}

/// A state as people see it: words, and a colour that says no more than they do.
pub(super) fn badge(state: State) -> String {
    format!("<span class=\"s {}\">{}</span>", state.name(), state.label())
}

pub(super) fn grade(severity: Severity) -> String {
    format!("<span class=\"s {severity}\">{severity}</span>")
}

/// A bar whose parts are as wide as their share. Attributes of SVG, since the page allows no inline styles.
fn stack(counts: &[(State, u64)], all: u64) -> String {
    let told: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| format!("{count} {}", state.label()))
        .collect();
    let mut bars = String::new();
    let mut x = 0;
    for (state, count) in counts.iter().filter(|(_, count)| *count > 0) {
        bars.push_str(&format!(
            "<rect class=\"{}\" x=\"{x}\" y=\"0\" width=\"{count}\" height=\"1\"/>",
            state.name()
        ));
        x += count;
    }
    format!(
        "<svg class=\"stack\" viewBox=\"0 0 {} 1\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{}\">{bars}</svg>\n",
        all.max(1),
        told.join(", ")
    )
}

/// The digest by which a policy of a page knows a style sheet or script (CSP level 3, 2.3.1): SHA-256 in base 64.
fn digest(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let hash = Sha256::digest(text.as_bytes());
    let mut encoded = String::with_capacity(44);
    for chunk in hash.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4_usize {
            let letter = LETTERS.get((word >> (18 - 6 * at)) as usize & 63).copied().unwrap_or_default();
            encoded.push(if at > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_in_base_64() {
        assert_eq!(digest(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        assert_eq!(digest("abc"), "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    }

    #[test]
    fn style_and_script_cannot_end_early() {
        for text in [STYLE, SCRIPT] {
            assert!(!text.contains("</") && !text.contains("<!--"), "they stand in the page as they are");
        }
    }
}
