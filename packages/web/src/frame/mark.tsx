/** The mark: three hinged panels, one colour each. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path className="mark-text" d="M2 9l7-3v22l-7-3z" />
      <path className="mark-image" d="M11 4h10v25H11z" />
      <path className="mark-sound" d="M30 9l-7-3v22l7-3z" />
    </svg>
  );
}
