//! Documents as programs write them.

use miniz_oxide::deflate::{compress_to_vec, compress_to_vec_zlib};

pub(in crate::tests) fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// An archive of these files, deflated, with its list at the end.
pub(in crate::tests) fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut all, mut list) = (Vec::new(), Vec::new());
    for (name, data) in files {
        let packed = compress_to_vec(data, 6);
        let offset = all.len() as u32;
        let mut fields = vec![20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        fields.extend((packed.len() as u32).to_le_bytes());
        fields.extend((data.len() as u32).to_le_bytes());
        fields.extend((name.len() as u16).to_le_bytes());
        fields.extend([0, 0]);
        all.extend(b"PK\x03\x04");
        all.extend(&fields);
        all.extend(name.as_bytes());
        all.extend(&packed);
        list.extend(b"PK\x01\x02\x14\x00");
        list.extend(&fields);
        list.extend([0; 10]);
        list.extend(offset.to_le_bytes());
        list.extend(name.as_bytes());
    }
    let (offset, size, count) = (all.len() as u32, list.len() as u32, files.len() as u16);
    all.extend(list);
    all.extend(b"PK\x05\x06\0\0\0\0");
    all.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    all.extend([size.to_le_bytes(), offset.to_le_bytes()].concat());
    all.extend([0, 0]);
    all
}

/// A letter of Word's with this body.
pub(in crate::tests) fn docx(body: &str) -> Vec<u8> {
    let document = format!(
        r#"<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>"#
    );
    zip(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", document.as_bytes())])
}

/// A PDF of these objects, numbered from 1 on.
pub(in crate::tests) fn pdf(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut all = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    for (n, object) in objects.iter().enumerate() {
        all.extend(format!("{} 0 obj\n", n + 1).bytes());
        all.extend(object);
        all.extend(b"\nendobj\n");
    }
    all.extend(b"trailer\n<< /Root 1 0 R /Size 9 >>\nstartxref\n0\n%%EOF\n");
    all
}

/// A stream with these entries in its dictionary.
pub(in crate::tests) fn stream(dict: &str, data: &[u8]) -> Vec<u8> {
    let mut all = format!("<< {dict} /Length {} >>\nstream\n", data.len()).into_bytes();
    all.extend(data);
    all.extend(b"\nendstream");
    all
}

pub(in crate::tests) fn deflated(dict: &str, data: &[u8]) -> Vec<u8> {
    stream(&format!("{dict} /Filter /FlateDecode"), &compress_to_vec_zlib(data, 6))
}

/// A page of one font, painted so.
pub(in crate::tests) fn page(paints: &str) -> Vec<u8> {
    pdf(&[
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 /Resources << /Font << /F1 5 0 R >> >> >>".to_vec(),
        b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R >>".to_vec(),
        deflated("", paints.as_bytes()),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_vec(),
    ])
}
