/** Words that report harm, loss, conflict or failure in a filing. A trailing * stands for any ending. */
export const negativeWords = `
abandon* abnormal* abrupt* absence abus* accident* accus* acrimon* adulterat* advers* aggravat* alleg* antagoni*
anxiet* arbitrar* argument* arrears artificially attack* avert aversion
bad badly bankrupt* barred barrier* bias* blackout* blam* block blocked blocking blocks bottleneck* boycott* breach* break breakdown* brib* broken
burden* burglar*
cancel* careless* casualt* catastroph* caution* cease* ceased censur* chaos chaotic claims clawback* closure* coerc* collaps* collusi*
complain* complicat* compromis* conceal* concern* condemn* confiscat* conflict* confus* constrain* contagi* contaminat* contend
contentio* contraction* controvers* conviction* corrupt* costly counterfeit* crash* crimin* crippl* crises crisis critici* curtail*
cut cutback*
damag* danger* deadlock* death* debar* deceiv* decept* declin* decreas* default* defect* defend defendant* deficien* deficit*
deflat* defraud* degrad* delay* delinquen* delist* denial* denied denies deny denying depress* depriv* destabili* destroy* destruct*
deteriorat* deter deterred detriment* devalu* devastat* deviat* difficult* diminish* disadvantag* disagree* disappoint* disapprov*
disaster* discontinu* discourag* discredit* discriminat* disincentiv* dislocat* dismiss* disparag* disput* disqualif*
disrepute disrupt* dissatisf* distort* distract* distress* divert* diversion* divestiture downgrad* downtime downturn* downward*
drain* drop drops drought*
embargo* embarrass* embezzl* emergenc* encumb* endanger* epidemic* erod* erosion erratic* erroneous* error* escalat* evad*
evasion evict* exacerbat* excessive* exclud* exhaust* exploit exploited exploits expos* expropriat* expulsion extort*
fail failed failing fails failure* fallout fals* fault* faulty fear* felony fine fines fined fire fires flaw* flood* forbid* forced
foreclos* forfeit* fraud* frivolous frustrat*
grievance* guilt*
hack* halt* hamper* hard harder hardship* harass* harm* harsh* hazard* hinder* hindrance* hostil* hurt*
idle* ignor* illegal* illicit illiquid* imbalance* impair* impasse imped* imperil* impos* impossib* impound* imprison* improper*
inability inaccessib* inaccura* inadequa* inadvertent* inappropriate* incapab* incident* incompatib* incompeten* incomplet*
inconsisten* incorrect* indict* ineffect* inefficien* ineligib* inferior* inflation* infring* injunct* injur* insecur* insolven*
instabilit* insufficien* insurrection* interfer* interrupt* intrusion* invalid* investigation* involuntar*
jeopard*
lack lacked lacking lacks lag* lapse* late laundering lawsuit* layoff* leak* liabilit* limitation* liquidat* litigat* litigious
lose loses losing loss losses lost low lower*
malfeasance malfunction* malicious* malpractice malware manipulat* meltdown misallocat* misappl* misappropriat* miscalculat*
misconduct* misinform* mislead* mismanag* mismatch* mispric* misrepresent* miss missed misses misstat* mistak* misunderst* misus*
moratori* monopoli*
negat* neglect* negligen* nonattainment nonperform* nullif*
objection* obscur* obsole* obstacle* obstruct* offend* offens* onerous outage* outbreak* outdated overburden* overcapacity overdue
overload* overrun* oversuppl* overturn* overvalu*
pandemic* panic* penal* peril* persecut* pessimis* phish* piracy plaintiff* plummet* poor* postpon* precarious* preclud* pressur*
problem* prohibit* prosecut* protectioni* protest* punish* punitive
ransom* reassess* recall* recession* reckless* redact* reduc* refus* reject* reluctan* renegotiat* repossess* reprimand* resign*
restat* restrict* retaliat* revok* revocation* rigid* risk risks risky riot* rumor*
sabotage* sanction* scandal* scarc* scrutin* seiz* severe* shortage* shortfall* shrink* shutdown* sick* slow* slump* spoof*
stagnat* steal* stolen stoppage* strain* stress* strict* strike* stringent* struggl* subpoena* substandard sue sued sues suffer* suing
susceptib* suspen* suspicio*
tamper* tariff* tension* terminat* terror* theft* threat* tighten* toxic* tragedy trouble* turbulen* turmoil
unable unanticipated unauthori* unavailab* uncertain* uncollect* uncompetitive undercut* undermin* underperform* undesir*
undetect* unemploy* unenforceab* unethical* unexpected* unfair* unfavorabl* unforeseen unfulfilled uninsur* unjust* unknown unlawful*
unpaid unplanned unpopular unpredictab* unprofitab* unprotected unreliab* unresolved unrest unsafe unsatisf* unsold unstable
unsuccessful* unsuitab* untimely unwilling* upheaval* urgent*
vandal* victim* violat* violen* viral virus* volatil* vulnerab*
war warning* warfare wars wast* weak* weaponi* wildfire* withdraw* withhold* worse* worst worthless* writedown* wrongdoing wrongful*
`;

/** Words that promise well; "not" before one of them is bad news ("may not be able to recover"). */
export const positiveWords = `
able accept* accurate* achiev* adequate* advantag* afford* appropriate* attain* attract* available benefi* capable cover* effective*
efficient* enough favorabl* gain* maintain* obtain* offset* possible profitab* protect* realiz* recover* recoup* reliab*
retain* satisf* stable succeed* success* sufficient* surviv* timely viable
`;

export const negations = `not no nor neither never without cannot can't don't doesn't didn't won't wouldn't isn't aren't hasn't haven't`;
