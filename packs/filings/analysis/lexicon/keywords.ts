/** What alarms a reader of risk factors most; each counts twice. */
export const strongKeywords = `
adverse impact*|bankrupt*|breach*|catastroph*|class action*|collaps*|covenant default*|criminal*|cyber attack*|cyberattack*|data breach*|default*|
delist*|embargo*|enforcement action*|event of default|expropriat*|force majeure|fraud*|going concern|goodwill impairment*|impairment*|
injunction*|insolven*|invasion*|investigation*|lawsuit*|liquidity crisis|loss of life|material weakness*|materially advers*|
material advers*|nationali*|pandemic*|product recall*|punitive|ransomware|recall*|recession*|restatement*|sanction*|seizure*|
severe*|shutdown*|single source*|sole source*|substantial doubt|substantial loss*|suspension*|tariff*|terroris*|trade war*|treble damages|
unauthorized access*|unlawful*|war|write down*|write off*
`;

/** What a reader of risk factors looks out for; each counts once. */
export const plainKeywords = `
advers*|antitrust|challeng*|competit*|complain*|constrain*|counterpart*|credit risk*|damage*|declin*|defect*|delay*|depend*|
deteriorat*|difficult*|disput*|disrupt*|downgrad*|downturn*|expos*|failure*|fine|fines|fluctuat*|geopolitical|harm*|inability|inflation*|
infring*|interrupt*|legal proceeding*|liabilit*|litigation|loss|losses|malware|natural disaster*|negative*|obsole*|outage*|
penalt*|price pressure|reputation*|restrict*|scrutin*|shortage*|significant cost*|substantial cost*|theft*|threat*|unable|uncertain*|
unfavorabl*|volatil*|vulnerab*|weakness*
`;
