import type { Category } from '../types.ts';

/** Phrases separated by |. Those under `telling` point to one category only and count three times. */
export const categoryWords: Record<Exclude<Category, 'other'>, { telling: string; usual: string }> = {
  operational: {
    telling: `supply chain*|supplier*|outsourcing partner*|contract manufactur*|manufacturing facilit*|single source*|sole source*|
      product recall*|product liability|inventor*|raw material*|logistic*|carriers and other resellers|distribution center*|natural disaster*|
      business continuity|work stoppage*|design and manufacturing defect*|quality problem*|warranty|business interruption|component*|
      production capacity|industrial accident*|oil spill*|integration of acqui*|acquisitions`,
    usual: `manufactur*|production|shortage*|vendor*|third part*|disrupt*|capacity|delay*|deliver*|warehouse*|transport*|facilit*|defect*|
      distribut*|resell*|retail store*|fulfil*|equipment|outage*|procure*|accident*|earthquake*|hurricane*|wildfire*|climate|acqui*|
      integrat*|forecast*|developer*|content`,
  },
  systematic: {
    telling: `economic condition*|macroeconomic*|recession*|economic downturn*|economic slowdown|unemployment|consumer confidence|
      consumer spending|inflation*|pandemic*|public health|global econom*|business cycle*|financial crisis|systemic|
      slow growth|monetary polic*|fiscal polic*|credit market*|capital markets disrupt*|market wide`,
    usual: `economy|economic|downturn*|slowdown|interest rate*|consumer*|spending|cyclical*|epidemic*|outbreak*|housing market|
      commodity price*|energy price*|deflation|stagnation|demand`,
  },
  geopolitical: {
    telling: `geopolitical*|tariff*|trade war*|trade dispute*|trade restriction*|international trade|export control*|import restriction*|
      sanction*|embargo*|political instability|political event*|political unrest|civil unrest|armed conflict*|military*|terror*|
      invasion*|nationali*|expropriat*|taiwan|ukraine|russia*|middle east|china mainland|hostilities|
      international dispute*|trade polic*|trade tension*|war|wars|trade protection*`,
    usual: `political*|china|foreign government*|border*|international operation*|trade|countries|country|region*|conflict*|import*|
      export*|diplomatic|israel|india|vietnam|south korea|hong kong`,
  },
  regulatory: {
    telling: `antitrust|regulator*|legislation*|legal proceeding*|litigation|lawsuit*|class action*|patent*|intellectual property|infring*|
      privacy law*|data protection|gdpr|ftc|doj|european commission|digital markets act|enforcement action*|consent decree*|injunction*|
      environmental law*|anti corruption|foreign corrupt practices|money laundering|license revoc*|fda|clinical trial*|
      tax law*|tax authorit*|tax legislation|tax rate*|compliance with law*|laws and regulations|settlement*|new laws|laws rules`,
    usual: `law|laws|legal*|complian*|comply*|government*|rule|rules|regulation*|fine|fines|penalt*|court*|investigation*|statut*|licens*|
      permit*|agency|agencies|jurisdiction*|claims|privacy|tax|taxes|liabilit*|polic*|obligation*`,
  },
  competitive: {
    telling: `competit*|market share|pricing pressure*|price pressure*|new entrant*|low cost structure*|lower price*|
      aggressive pric*|price cutting|imitat*|substitute product*|larger customer base*|industry consolidation|greater resources|rival*|
      customer concentration|customer preference*|consumer preference*`,
    usual: `price|prices|pricing|compete*|innovat*|differentiat*|market position|customers|brand loyalty|introduc*|
      new products|transition*|entrant*|demand for|features|product offering*|business model*`,
  },
  technological: {
    telling: `cyber*|data breach*|hack*|malware|ransomware|phishing|information technology|network disrupt*|system failure*|
      unauthorized access*|security breach*|security incident*|technological change*|artificial intelligence|machine learning|cloud*|
      software bug*|vulnerabilit*|obsolescen*|encrypt*|data center*|computer virus*|denial of service|confidential information|
      generative ai|software developer*|errors or defects in software|malicious`,
    usual: `technolog*|software|system|systems|network*|security|data|digital|internet|computer*|platform*|hardware|internet|
      intrusion*|personal information|backup|operating system*|algorithm*`,
  },
  human_capital: {
    telling: `key personnel|key employee*|team member*|talent*|skilled|workforce|labor union*|collective bargaining|executive officer*|
      retain personnel|attract and retain|hiring|recruit*|succession plan*|employee turnover|labor shortage*|labor relation*|
      human capital|wage*|corporate culture|key management|senior management|qualified personnel|immigration`,
    usual: `employee*|personnel|compensation|management team|retention|staff*|labor|union*|workers|diversity|hire*|training|
      remote work*|departure*|leadership|strikes`,
  },
  financial: {
    telling: `liquidity|credit risk*|indebtedness|credit rating*|exchange rate*|foreign currenc*|currency fluctuation*|impairment*|
      write down*|write off*|stock price|price of the company stock|dividend*|share repurchase*|gross margin*|net sales|covenant*|refinanc*|
      derivative*|hedg*|receivable*|investment portfolio|goodwill|going concern|material weakness*|internal control over financial reporting|
      effective tax rate*|cash flow*|capital expenditure*|pension*|interest rate risk|credit agreement*|notes due|dilut*`,
    usual: `financial|debt|loan*|cash|credit|financing|interest rate*|currenc*|dollar|counterpart*|insolven*|margin*|
      earnings|volatil*|invest*|fair value|lender*|borrow*|shareholder*|stock|securities|profitab*|default*|asset values|prepayment*`,
  },
  reputational: {
    telling: `reputation*|brand image|negative publicity|adverse publicity|public perception|social media|boycott*|stakeholder*|
      corporate social responsibility|esg|greenwash*|customer trust|loss of trust|public opinion|goodwill of customer*|misinformation|
      negative perception*|damage to the brand|social issue*|environmental social|activist*|loss of confidence`,
    usual: `brand*|publicity|media|trust|perception*|ethic*|controvers*|image|expectations|sentiment|confidence|scandal*|misconduct`,
  },
  boilerplate: {
    telling: `forward looking statement*|should be read in conjunction|not exhaustive|not the only risk*|not the only ones|
      not presently known|not currently known|currently deem immaterial|deem to be immaterial|carefully consider|complete statement of all|
      not applicable|smaller reporting compan*|incorporated by reference|private securities litigation reform act|additional risks and uncertainties|
      statements in this section|risks described below|following risk factors|following summarizes|no obligation to update|beliefs and opinions`,
    usual: `this section|form 10 k|annual report|uncertainties|described below|management discussion|part ii|item 7|item 8|
      read in conjunction|in addition to the other information`,
  },
};
