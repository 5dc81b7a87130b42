// Verifies signed thumbnail URLs inside nginx, exactly as xaccel.Signer does with HMAC-SHA256.
//
// The keys are in $xaccel_keys, newest first, in base64url with commas between them; the file that
// sets it is readable by root alone. They can't be turned back into the app's secrets.

import crypto from 'crypto';

// One spelling only: base64url has spare bits in the last character, and a number no leading zero.
const QUERY = /^key=([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])(&expires=([1-9][0-9]{0,18}))?$/;
const LAST_SECOND = '9223372036854775807';
const PLAIN = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/,';
const IS_PLAIN = /^[A-Za-z0-9._~\/,-]*$/;
const HEX = '0123456789ABCDEF';

function encode(bytes) {
    let text = '';
    for (let i = 0; i < bytes.length; i++) {
        const character = String.fromCharCode(bytes[i]);
        text += PLAIN.indexOf(character) >= 0
            ? character
            : '%' + HEX[bytes[i] >> 4] + HEX[bytes[i] & 15];
    }
    return text;
}

// Whether the client spelt the path the way it is signed: nginx has decoded and normalised it.
function isCanonical(path, r) {
    if (IS_PLAIN.test(path)) {
        return path === r.variables.uri;
    }
    const bytes = r.rawVariables.uri;
    try {
        new TextDecoder('utf-8', {fatal: true}).decode(bytes);
    } catch (e) {
        return false;
    }
    return path === encode(bytes);
}

// In a time that does not depend on where they differ.
function isSame(a, b) {
    let difference = a.length ^ b.length;
    for (let i = 0; i < a.length; i++) {
        difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
    }
    return difference === 0;
}

// "" for a bad URL, "0" for one whose time has passed, "1" for a good one, as $secure_link.
function verify(r) {
    const target = r.variables.request_uri;
    const mark = target.indexOf('?');
    const query = mark < 0 ? null : QUERY.exec(target.slice(mark + 1));
    if (query === null || !isCanonical(target.slice(0, mark), r)) {
        return '';
    }
    const expires = query[3] || '';
    if (expires.length === LAST_SECOND.length && expires > LAST_SECOND) {
        return '';
    }
    let good = false;
    r.variables.xaccel_keys.split(',').forEach(key => {
        const hmac = crypto.createHmac('sha256', Buffer.from(key, 'base64url'));
        const digest = hmac.update(expires).update(r.rawVariables.uri).digest('base64url');
        good = isSame(digest, query[1]) || good;
    });
    if (!good) {
        return '';
    }
    return expires !== '' && Number(expires) < Math.floor(Date.now() / 1000) ? '0' : '1';
}

// How long a thumbnail may be kept whose URL expires: no longer than that.
function bounded(r) {
    const left = Number(r.variables.arg_expires) - Math.floor(Date.now() / 1000);
    return r.variables.xaccel_lifetime.replace(
        /max-age=([0-9]+)/, (_, age) => 'max-age=' + Math.max(0, Math.min(Number(age), left)));
}

export default {verify, bounded};
