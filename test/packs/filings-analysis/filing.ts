/** Made-up filings in the shapes that real ones come in. */
export const supplyRisk =
  'We depend on a single supplier in one country. If that supplier fails to deliver, our production could be disrupted, ' +
  'orders could be delayed or cancelled, and we could suffer losses of up to $40 million that we may not be able to recover from anyone.';

export const lawsuitRisk =
  'We are subject to litigation and government investigations. Adverse judgments, penalties or injunctions could severely harm ' +
  'our reputation and our results, and a settlement of $2.5 billion was proposed by the plaintiffs in the largest of these lawsuits last year.';

export const cyberRisk =
  'Our information technology systems are vulnerable to ransomware, malware and unauthorized access. A data breach could expose ' +
  'confidential information, interrupt our network for weeks and cause damage to our brand that no insurance would cover in full.';

export const staffRisk =
  'Our success depends on key personnel and on our ability to attract and retain skilled employees. Competition for talent is intense, and ' +
  'the departure of our executive officers or a shortage of qualified personnel could slow the work on which our plans for growth rest.';

export const business =
  'We make pumps and valves for industrial customers in many countries and sell them through distributors and our own sales force every year.';

export interface Shape {
  tableOfContents?: string;
  heading: string;
  body?: string;
  ending?: string;
}

export function makeFiling({ tableOfContents = '', heading, body, ending }: Shape): string {
  const risks = body ?? [supplyRisk, lawsuitRisk, cyberRisk].map((risk) => `<p>${risk}</p>`).join('\n');
  return `<html><body>${tableOfContents}
    <p><b>Item 1. Business</b></p><p>${business} See Part I, Item 1A of this Form 10-K.</p>
    ${heading}
    ${risks}
    ${ending ?? '<p><b>Item 1B. Unresolved Staff Comments</b></p><p>None.</p>'}
    <p><b>Item 2. Properties</b></p><p>We own one factory and rent two offices.</p>
    <p><b>Item 7. Management’s Discussion</b></p><p>${business} The factors in Item 1A, “Risk Factors,” apply.</p>
    </body></html>`;
}
