/**
 * Token texts with a meaning that GGUF files often fail to declare. The lists follow llama.cpp (`llama_vocab::load`),
 * so that the same file stops at the same tokens in both engines.
 *
 * @module
 */

/** Tokens that end a turn or a text. */
export const endOfGenerationTexts: readonly string[] = [
  '<|eot_id|>',
  '<|im_end|>',
  '<|end|>',
  '<|return|>',
  '<|call|>',
  '<|flush|>',
  '<|calls|>',
  '<end_of_turn>',
  '<|endoftext|>',
  '</s>',
  '<|eom_id|>',
  '<EOT>',
  '_<EOT>',
  '[EOT]',
  '[EOS]',
  '<|end_of_text|>',
  '<end_of_utterance>',
  '<eos>',
  '<turn|>',
  '<|tool_response>',
  '<｜end▁of▁sentence｜>',
  '[e~[',
  '<|fim_pad|>',
  '<fim-pad>',
  '<fim_pad>',
  '<PAD>',
  '[PAD]',
  '<|fim_repo|>',
  '<|repo_name|>',
  '<fim-repo>',
  '<REPO>',
  '<reponame>',
  '<|file_sep|>',
];

/** Tokens that are control tokens whatever the file says, besides those that end a generation. */
export const controlTexts: readonly string[] = [
  '<|fim_prefix|>',
  '<fim-prefix>',
  '<fim_prefix>',
  '<｜fim▁begin｜>',
  '<PRE>',
  '▁<PRE>',
  '<|fim_suffix|>',
  '<fim-suffix>',
  '<fim_suffix>',
  '<｜fim▁hole｜>',
  '<SUF>',
  '▁<SUF>',
  '<|fim_middle|>',
  '<fim-middle>',
  '<fim_middle>',
  '<｜fim▁end｜>',
  '<MID>',
  '▁<MID>',
];

/** Tokens that are matched and shown like text although they look like control tokens (gpt-oss). */
export const userDefinedTexts: readonly string[] = [
  '<|channel|>',
  '<|message|>',
  '<|start|>',
  '<|constrain|>',
];
