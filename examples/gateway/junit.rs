//! A report of cases as the XML that servers of builds read, in the form that JUnit's took: a suite a file, a test a case.

use std::io;

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesText, Event},
};

use crate::test::FileReport;

/// The report as XML.
pub(crate) fn write(files: &[FileReport]) -> io::Result<Vec<u8>> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let total = |count: fn(&FileReport) -> usize| files.iter().map(count).sum::<usize>().to_string();
    let (tests, failures, errors) = (total(tests), total(FileReport::failed), total(errors));
    let counts = [("tests", &*tests), ("failures", &*failures), ("errors", &*errors)];
    let suites = writer.create_element("testsuites").with_attribute(("name", "gateway test")).with_attributes(counts);
    suites.write_inner_content(|writer| files.iter().try_for_each(|file| write_suite(writer, file)))?;
    let mut xml = writer.into_inner();
    xml.push(b'\n');
    Ok(xml)
}

/// A file that can't be read is a test by itself, which ends in an error.
fn tests(file: &FileReport) -> usize {
    file.cases.len() + errors(file)
}

fn errors(file: &FileReport) -> usize {
    usize::from(!file.errors.is_empty())
}

fn write_suite(writer: &mut Writer<Vec<u8>>, file: &FileReport) -> io::Result<()> {
    let name = permitted(&file.file);
    let [tests, failures, errors] = [tests(file), file.failed(), errors(file)].map(|number| number.to_string());
    let suite = writer.create_element("testsuite").with_attributes([
        ("name", &*name),
        ("tests", &tests),
        ("failures", &failures),
        ("errors", &errors),
        ("skipped", "0"),
    ]);
    suite.write_inner_content(|writer| {
        if !file.errors.is_empty() {
            let lines: Vec<_> = file.errors.iter().map(|error| format!("{error:#}")).collect();
            let first = file.errors.first().map(ToString::to_string).unwrap_or_default();
            write_test(writer, &name, &name, None, Some(("error", &first, &lines.join("\n"))))?;
        }
        file.cases.iter().try_for_each(|case| {
            let line = case.position().line().to_string();
            let text = case.to_string();
            let message = format!("ends {}", case.ending());
            let failure = (!case.passed()).then_some(("failure", &*message, &*text));
            write_test(writer, &name, &permitted(case.name()), Some(&line), failure)
        })
    })?;
    Ok(())
}

/// A test, and what is wrong with it: the element's name, its message and its text.
fn write_test(
    writer: &mut Writer<Vec<u8>>,
    file: &str,
    name: &str,
    line: Option<&str>,
    wrong: Option<(&str, &str, &str)>,
) -> io::Result<()> {
    let test = writer.create_element("testcase").with_attributes([("name", name), ("classname", file), ("file", file)]);
    let test = test.with_attributes(line.map(|line| ("line", line)));
    let Some((kind, message, text)) = wrong else { return test.write_empty().map(drop) };
    test.write_inner_content(|writer| {
        let element = writer.create_element(kind).with_attribute(("message", &*permitted(message)));
        element.write_text_content(BytesText::new(&permitted(text))).map(drop)
    })
    .map(drop)
}

/// Without the characters that XML 1.0 can't hold, however they are escaped.
fn permitted(text: &str) -> String {
    let is_permitted = |character: char| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|character| if is_permitted(character) { character } else { '\u{fffd}' }).collect()
}
