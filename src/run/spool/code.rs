//! The bytes of findings on disk. They are read by the process that wrote them, so that what is shared stays in memory
//! and has numbers.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;

use crate::finding::{Finding, Fingerprint, Location, Owners, Resource, Status};

/// What findings share.
#[derive(Debug, Default)]
pub(super) struct Tables {
    resources: Vec<Arc<Resource>>,
    owners: Vec<Owners>,
}

/// Findings as bytes.
#[derive(Debug, Default)]
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    pub(super) tables: Tables,
}

const SENSITIVE: u8 = 1 << 2;
const RELATED: u8 = 1 << 3;
const EXCEPTION: u8 = 1 << 4;
/// The finding stands in the file of its resource.
const OWN_FILE: u8 = 1 << 5;

/// Makes bytes of findings, each with its fingerprint if there are any.
pub(super) fn encode(findings: &[Finding], prints: &[Fingerprint]) -> Encoded {
    let mut encoded = Encoded::default();
    let mut resources: HashMap<*const Resource, u32> = HashMap::new();
    let mut owners: HashMap<*const Box<str>, u32> = HashMap::new();
    let Encoded { bytes, tables } = &mut encoded;
    let mut prints = prints.iter();
    for finding in findings {
        let Finding { rule, status, owners: of, exception, message, resource, .. } = finding;
        let Finding { location, related, key, is_sensitive, .. } = finding;
        let is_own = location.file == resource.location.file;
        let mark = |is: bool, bit: u8| if is { bit } else { 0 };
        bytes.push(
            *status as u8
                | mark(*is_sensitive, SENSITIVE)
                | mark(related.is_some(), RELATED)
                | mark(exception.is_some(), EXCEPTION)
                | mark(is_own, OWN_FILE),
        );
        number(bytes, *rule);
        number(bytes, place(&mut resources, Arc::as_ptr(resource), &mut tables.resources, resource));
        number(bytes, place(&mut owners, of.as_ptr(), &mut tables.owners, of));
        text(bytes, message);
        text(bytes, key);
        where_it_stands(bytes, location, !is_own);
        if let Some((location, label)) = related.as_deref() {
            where_it_stands(bytes, location, true);
            text(bytes, label);
        }
        if let Some(exception) = exception {
            text(bytes, exception);
        }
        if let Some(print) = prints.next() {
            bytes.extend_from_slice(&print.bytes());
        }
    }
    encoded
}

/// The number of what is shared.
fn place<K: std::hash::Hash + Eq, T: Clone>(
    known: &mut HashMap<K, u32>,
    key: K,
    table: &mut Vec<T>,
    value: &T,
) -> u32 {
    *known.entry(key).or_insert_with(|| {
        table.push(value.clone());
        u32::try_from(table.len() - 1).unwrap_or(u32::MAX)
    })
}

/// Little-endian base 128.
fn number(bytes: &mut Vec<u8>, number: u32) {
    let mut rest = number;
    loop {
        let [low, ..] = rest.to_le_bytes();
        rest >>= 7;
        if rest == 0 {
            return bytes.push(low & 0x7F);
        }
        bytes.push(low | 0x80);
    }
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    number(bytes, u32::try_from(text.len()).unwrap_or(u32::MAX));
    bytes.extend_from_slice(text.as_bytes());
}

fn where_it_stands(bytes: &mut Vec<u8>, location: &Location, with_file: bool) {
    let Location { file, line, column, end_line, end_column, path } = location;
    if with_file {
        text(bytes, file);
    }
    for part in [line, column, end_line, end_column] {
        number(bytes, *part);
    }
    text(bytes, path);
}

/// Reads one finding, and its fingerprint if it has one.
///
/// # Errors
/// Those of the source; what is not there is one.
pub(super) fn decode(
    source: &mut impl Read,
    tables: &Tables,
    with_print: bool,
) -> io::Result<(Finding, Fingerprint)> {
    let [flags] = take(source)?;
    let rule = read_number(source)?;
    let resource = tables.resources.get(read_number(source)? as usize).ok_or_else(spoilt)?;
    let owners = tables.owners.get(read_number(source)? as usize).ok_or_else(spoilt)?;
    let message = read_text(source)?;
    let key = read_text(source)?;
    let file = (flags & OWN_FILE != 0).then(|| Arc::clone(&resource.location.file));
    let location = read_location(source, file)?;
    let related = if flags & RELATED == 0 {
        None
    } else {
        let location = read_location(source, None)?;
        Some(Box::new((location, Cow::Owned(read_string(source)?))))
    };
    let exception = if flags & EXCEPTION == 0 { None } else { Some(read_text(source)?) };
    let print = if with_print { Fingerprint::from_bytes(take(source)?) } else { Fingerprint::default() };
    let status = match flags & 3 {
        0 => Status::Fail,
        1 => Status::Baselined,
        2 => Status::Waived,
        _ => Status::Suppressed,
    };
    let finding = Finding {
        rule,
        status,
        owners: Arc::clone(owners),
        exception,
        message,
        resource: Arc::clone(resource),
        location,
        related,
        key,
        is_sensitive: flags & SENSITIVE != 0,
    };
    Ok((finding, print))
}

fn spoilt() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "what was written is not what is read")
}

fn take<const N: usize>(source: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    source.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_number(source: &mut impl Read) -> io::Result<u32> {
    let mut number = 0;
    for shift in (0..32).step_by(7) {
        let [byte] = take(source)?;
        number |= u32::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(spoilt())
}

fn read_string(source: &mut impl Read) -> io::Result<String> {
    let mut bytes = vec![0; read_number(source)? as usize];
    source.read_exact(&mut bytes)?;
    String::from_utf8(bytes).map_err(|_| spoilt())
}

fn read_text(source: &mut impl Read) -> io::Result<Arc<str>> {
    Ok(read_string(source)?.into())
}

fn read_location(source: &mut impl Read, file: Option<Arc<str>>) -> io::Result<Location> {
    let file = match file {
        Some(file) => file,
        None => read_text(source)?,
    };
    let [line, column, end_line, end_column] =
        [read_number(source)?, read_number(source)?, read_number(source)?, read_number(source)?];
    Ok(Location { file, line, column, end_line, end_column, path: read_text(source)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Identity;

    #[test]
    fn findings_are_read_as_they_were_written() {
        let identity =
            Identity { group: "g".into(), kind: "K".into(), namespace: "n".into(), name: "ü".into() };
        let location = Location { line: 7, column: 300, ..Location::start_of("a.yaml") };
        let resource = Arc::new(Resource::new(identity, location.clone()));
        let plain = Finding {
            rule: 3,
            status: Status::Fail,
            owners: Arc::new(["team".into()]),
            exception: None,
            message: "".into(),
            resource,
            location: Location { end_line: u32::MAX, path: "spec.größe".into(), ..location },
            related: None,
            key: "/spec".into(),
            is_sensitive: false,
        };
        let findings = vec![
            plain.clone(),
            Finding { status: Status::Baselined, is_sensitive: true, ..plain.clone() },
            Finding {
                status: Status::Waived,
                exception: Some("Waiver/w".into()),
                location: Location::start_of("other.yaml"),
                ..plain.clone()
            },
            Finding {
                rule: u32::MAX,
                status: Status::Suppressed,
                owners: Owners::default(),
                related: Some(Box::new((Location::start_of("b"), Cow::Borrowed("used here")))),
                message: "x".repeat(70_000).into(),
                ..plain
            },
        ];
        let prints: Vec<Fingerprint> =
            findings.iter().map(|finding| Fingerprint::of(&[&finding.message])).collect();
        for with_prints in [false, true] {
            let encoded = encode(&findings, if with_prints { &prints } else { &[] });
            let mut source = encoded.bytes.as_slice();
            for (finding, print) in findings.iter().zip(&prints) {
                let (read, its) = decode(&mut source, &encoded.tables, with_prints).unwrap();
                assert_eq!((&read, its == *print), (finding, with_prints));
            }
            assert!(source.is_empty());
            let cut = encoded.bytes.len() - 1;
            let mut source = &encoded.bytes[..cut];
            let read = (0..4).map(|_| decode(&mut source, &encoded.tables, with_prints));
            assert!(read.collect::<Vec<_>>().last().unwrap().is_err());
        }
    }
}
