/** The strings that tokenizers are compared on, from a fixed seed. */

function random(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const written = [
  'Hello, world!',
  ' Hello',
  '  Hello  ',
  'hello',
  'The quick brown fox jumps over the lazy dog.',
  'import { openGguf } from "@triptych/checkpoints";\n',
  'for (let i = 0; i < 10; i++) {\n  console.log(i);\n}\n',
  "I'm sure they're here, we've seen it, he'd said I'll go; it's Tom's. DON'T! WE'RE I'M 'S 'LL",
  "''s ''t ' s 're",
  '3.14159 1,000,000 2026-11-23 18:35:20 0x1F 1e-5 007 12345678901234567890',
  '٣٤٥ ⅷ ½ ² ₂ 一二三 １２３',
  'a1b2c3 v1.2.3-rc.4',
  '\n',
  '\n\n',
  '\n\n\n\n\n',
  ' \n',
  ' \n \n ',
  '\r\n',
  'a\r\nb\r\n\r\nc',
  '\t',
  '\t\t\tindented\n\t\tless',
  ' ',
  '  ',
  '   ',
  '                                ',
  'a                b',
  'trailing spaces   ',
  'trailing newline\n',
  'mixed \t \n \t whitespace',
  'no\u00a0break\u00a0space\u2003em\u3000ideographic\u2028line\u2029para\u0085next\ufeffbom',
  'naïve café résumé Ångström Straße İstanbul ﬁ ǅ',
  'e\u0301 a\u0308\u0323 \u0301alone n\u0303\u0303\u0303',
  'Привет, мир! Как дела?',
  'Γειά σου Κόσμε',
  'שלום עולם',
  'مرحبا بالعالم، كيف حالك؟',
  'नमस्ते दुनिया क्षत्रिय',
  'สวัสดีชาวโลก',
  '你好，世界！这是一个测试。',
  'こんにちは世界。カタカナとひらがな、漢字。',
  '안녕하세요 세계! 테스트입니다.',
  '你好world混合text测试123数字',
  '😀',
  '😀😃😄😁 emoji 👍🏽 skin',
  '👨‍👩‍👧‍👦 family 🏳️‍🌈 flag 🇩🇪🇫🇷',
  '𝕳𝖊𝖑𝖑𝖔 𝟙𝟚𝟛 𐍈 𒀀 🂡',
  '\u{10ffff}\u{e000}\ufffd\uffff',
  '\u0000\u0001\u0002\u001f\u007f\u0080\u009f',
  '!!!???...,,,;;;:::',
  '-----=====_____*****#####',
  '<<>>[[]]{{}}(())||&&^^~~``$$%%@@',
  '=> -> <- := !== <=> ... ?? ?. ** // /* */',
  '$100 €50 £20 ¥1000 ₹500 + = < > ^ ~ | `',
  'https://example.com/path?query=1&other=%20#fragment user@example.org',
  'snake_case camelCase PascalCase kebab-case SCREAMING_CASE',
  'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
  'abababababababababababababababab',
  'supercalifragilisticexpialidocious antidisestablishmentarianism',
  'ThisIsAVeryLongIdentifierWithoutAnySpacesInItAtAll1234567890',
  '▁already▁escaped▁text▁',
  'Ġthe Ċ literal byte characters Ā',
  '<0x0A> <0xFF> literal byte tokens',
  '<s>',
  '</s>',
  '<unk>',
  '<|im_start|>user\nHi there<|im_end|>\n<|im_start|>assistant\n',
  'text<|im_end|>more',
  ' <|im_end|> ',
  '<|im_end|><|im_end|>',
  '<|im_start|><|im_start',
  '<|im_end|',
  '|im_end|>',
  '<s>Hello</s>',
  ' <s> Hello </s> ',
  '[TOOL]search[/TOOL]',
  'see [TOOL] here',
  '[TOOL][TOOL] [/TOOL]',
  '[TOOL',
  '<|endoftext|>',
  'before<|endoftext|>after',
  'x<|endoftext|> <s>\n</s>',
];

const alphabets = [
  [...'abcdefghijklmnopqrstuvwxyz      '],
  [...'aAbB12 \n\t.,\'"-_'],
  [...' \n\r\t\u00a0\u3000x'],
  [...'0123456789 .,'],
  [...'éüñçøåßœ aeiou'],
  [...'的一是不了人我在有他这中大来上个国 ，。'],
  [...'あいうえおカキクケコ漢字 。、'],
  [...'😀🎉👍🏽\u200d❤\ufe0f🇺🇸 a'],
  ["'s", "'re", "'LL", "'", ' ', 'a', 'I', '\n', '1'],
  ['<s>', '</s>', '<|im_end|>', '[TOOL]', ' ', 'a', '\n', '<', '|>'],
  ['the', ' the', 'of', ' and', 'ing', 'tion', ' ', '  ', '\n', ',', '.', '!', 'function', 'return'],
];

/** Short strings over mixed alphabets, and raw code points. */
function generated(count, seed) {
  const next = random(seed);
  const pick = (list) => list[Math.floor(next() * list.length)];
  const codePoint = () => {
    const value = Math.floor(next() ** 3 * 0x110000);
    return value >= 0xd800 && value <= 0xdfff ? '\ufffd' : String.fromCodePoint(value);
  };
  return Array.from({ length: count }, (_, i) => {
    const length = 1 + Math.floor(next() * 24);
    const alphabet = alphabets[i % (alphabets.length + 1)];
    return Array.from({ length }, () => (alphabet ? pick(alphabet) : codePoint())).join('');
  });
}

export const texts = [...new Set([...written, ...generated(240, 7)])];
